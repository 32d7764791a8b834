#!/usr/bin/env python3
"""What the stacks cost a month at rest, and what a million consultations cost besides: the arithmetic of docs/deploy.md.

    python3 infra/cost.py              prints the sums and how they come about
    python3 infra/cost.py --constants  prints as JSON how many of what the stacks have, which tests/template/figures.rs counts in the templates

PRICES are list prices of us-east-1 in USD, on demand, without free tiers, as AWS's price pages had them in 2025. They were not looked up
again: before you rely on a sum, compare the lines that matter to you with https://aws.amazon.com/pricing/.

Not in the sums: a canary (infra/canary.py), whose alarms have three metrics for each function, some 15 USD a month.
"""

import json
import sys

HOURS = 730

PRICES = {
    "NAT gateway, hour": 0.045,
    "NAT gateway, GB": 0.045,
    "public IPv4 address, hour": 0.005,
    "Aurora Serverless v2, ACU and hour": 0.12,
    "Aurora storage, GB and month": 0.10,
    "Aurora I/O, million": 0.20,
    "RDS Proxy, ACU and hour": 0.015,
    "Valkey cache.t4g.micro, hour": 0.0128,
    "Valkey cache.t4g.small, hour": 0.0256,
    "KMS key, month": 1.00,
    "secret, month": 0.40,
    "alarm, metric and month": 0.10,
    "composite alarm, month": 0.50,
    "dashboard, month": 3.00,
    "custom metric, month": 0.30,
    "firewall, month": 5.00,
    "firewall's rule, month": 1.00,
    "firewall, million requests": 0.60,
    "CloudFront, 10,000 HTTPS requests": 0.0100,
    "HTTP API, million calls": 1.00,
    "REST API, million calls": 3.50,
    "Lambda arm64, GB-second": 0.0000133334,
    "Lambda, million calls": 0.20,
    "SQS, million requests": 0.40,
    "DynamoDB, million writes": 0.625,
    "DynamoDB, million reads": 0.125,
    "CloudWatch Logs, GB": 0.50,
    "KMS, million requests": 3.00,
}

# How many of what the templates have.
COMPOSITE_ALARMS = 4
FIREWALL_RULES = 3
ROUTES = 37
SECRETS = 2
# Estimates.
METRICS_OF_A_ROUTE = 6
OWN_METRICS = 60  # of some fifty names, by their dimensions; it grows with tiers and limits

# What samconfig.toml asks for. An alarm by a query over labels counts as one metric here, and is billed by as many as the query finds.
DEV = {
    "NAT gateways": 1, "ACUs": 0.5, "instances": 1, "cache": ("cache.t4g.micro", 1), "GB": 5,
    "route metrics": False, "firewall": False, "alarm metrics": 84,
}  # fmt: skip
PROD = {
    "NAT gateways": 3, "ACUs": 1, "instances": 2, "cache": ("cache.t4g.small", 2), "GB": 50,
    "route metrics": True, "firewall": True, "alarm metrics": 120,
}  # fmt: skip
CONSTANTS = {
    "composite_alarms": COMPOSITE_ALARMS,
    "firewall_rules": FIREWALL_RULES,
    "routes": ROUTES,
    "secrets": SECRETS,
    "alarm_metrics": {"dev": DEV["alarm metrics"], "prod": PROD["alarm metrics"]},
}


def at_rest(size):
    """Lines of (what, arithmetic, USD a month)."""
    nat, node, nodes = size["NAT gateways"], *size["cache"]
    price = PRICES
    lines = []

    def add(what, *factors):
        total = 1.0
        for factor in factors:
            total *= factor
        lines.append((what, " × ".join(f"{factor:g}" for factor in factors), total))

    add("NAT gateways", nat, HOURS, price["NAT gateway, hour"])
    add("their addresses", nat, HOURS, price["public IPv4 address, hour"])
    add("Aurora at its least", size["instances"], size["ACUs"], HOURS, price["Aurora Serverless v2, ACU and hour"])
    add("Aurora's storage", size["GB"], price["Aurora storage, GB and month"])
    add(f"Valkey, {node}", nodes, HOURS, price[f"Valkey {node}, hour"])
    add("KMS keys: data, alarms", 2, price["KMS key, month"])
    add("secrets: the administrator, the edge", SECRETS, price["secret, month"])
    add("metrics of alarms", size["alarm metrics"], price["alarm, metric and month"])
    add("composite alarms", COMPOSITE_ALARMS, price["composite alarm, month"])
    add("dashboard", 1, price["dashboard, month"])
    add("own metrics", OWN_METRICS, price["custom metric, month"])
    if size["route metrics"]:
        add("metrics of routes", ROUTES, METRICS_OF_A_ROUTE, price["custom metric, month"])
    if size["firewall"]:
        add("firewall", 1, price["firewall, month"])
        add("its rules", FIREWALL_RULES, price["firewall's rule, month"])
    return lines


def gb_seconds(memory_mb, seconds):
    """A million calls of so many seconds."""
    return 1e6 * memory_mb / 1024 * seconds * PRICES["Lambda arm64, GB-second"]


def a_million_consultations():
    """One create, one read that waits, two more reads and one job each, without any model's own price."""
    price = PRICES
    calls, seconds_waiting, seconds_of_a_job = 4, 6, 8  # assumed: a model answers in eight seconds, and the client waits for six of them

    return [
        ("HTTP API", f"{calls} calls", calls * price["HTTP API, million calls"]),
        ("CloudFront", f"{calls} requests", calls * 100 * price["CloudFront, 10,000 HTTPS requests"]),
        ("firewall", f"{calls} requests", calls * price["firewall, million requests"]),
        ("Lambda: calls", f"{calls} and a tenth of a batch", (calls + 0.1) * price["Lambda, million calls"]),
        ("Lambda: create and reads", "3 × 50 ms × 256 MB", gb_seconds(256, 0.15)),
        ("Lambda: the read that waits", f"{seconds_waiting} s × 256 MB", gb_seconds(256, seconds_waiting)),
        ("Lambda: the worker, ten jobs a batch", f"{seconds_of_a_job} s × 512 MB ÷ 10", gb_seconds(512, seconds_of_a_job / 10)),
        ("SQS", "a send, a tenth of a receive and of a delete, a heartbeat", 1.3 * price["SQS, million requests"]),
        ("DynamoDB", "a transcript's turn of 4 KB", 4 * price["DynamoDB, million writes"]),
        ("Aurora I/O", "some 20 pages written and read", 20 * price["Aurora I/O, million"]),
        ("NAT", "a prompt and an answer, 20 KB", 20 * price["NAT gateway, GB"]),
        ("CloudWatch Logs", "seven lines of 0.6 KB", 7 * 0.6 * price["CloudWatch Logs, GB"]),
    ]


def a_million_chats():
    """One streamed chat completion each, by the edge, without any model's own price."""
    price = PRICES
    seconds = 10  # assumed: of a stream

    return [
        ("REST API", "1 call, of an answer below 10 MB", price["REST API, million calls"]),
        ("CloudFront", "1 request", 100 * price["CloudFront, 10,000 HTTPS requests"]),
        ("firewall", "1 request", price["firewall, million requests"]),
        ("Lambda: calls", "1", price["Lambda, million calls"]),
        ("Lambda: the stream", f"{seconds} s × 512 MB", gb_seconds(512, seconds)),
        ("NAT", "a prompt and an answer, 20 KB", 20 * price["NAT gateway, GB"]),
        ("CloudWatch Logs", "a line of 0.6 KB", 0.6 * price["CloudWatch Logs, GB"]),
    ]


def show(title, lines):
    print(f"\n{title}")
    for what, arithmetic, dollars in lines:
        print(f"  {what:38} {arithmetic:58} {dollars:9.2f}")
    print(f"  {'':38} {'':58} {sum(line[2] for line in lines):9.2f}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--constants"]:
        print(json.dumps(CONSTANTS))
        sys.exit()
    if sys.argv[1:]:
        sys.exit(__doc__)
    show("dev, USD a month at rest", at_rest(DEV))
    show("prod, USD a month at rest", at_rest(PROD))
    show("A million consultations, USD, without the models' own price", a_million_consultations())
    show("A million streamed chats, USD, without the models' own price", a_million_chats())
