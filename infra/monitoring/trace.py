#!/usr/bin/env python3
r"""Draws a trace as an SVG, from the spans that the functions have logged: who waited for what.

    aws logs filter-log-events --log-group-name "$FUNCTION_LOGS" --start-time $(($(date +%s) - 600))000 --query 'events[].message' \
      --output text | python3 infra/monitoring/trace.py > docs/images/trace.svg

FUNCTION_LOGS is the output FunctionLogs of the stack; of the local stack it is /aws/lambda/wenzhen, with the variables of .local/stack.env. It
draws the last trace that begins with a new consultation, or the one whose id is given behind the name of the script.
"""

import json
import sys
from html import escape

WANTED = "POST /v1/consultations"
SENDING = "send messages"
LINE_OF_SPANS = '{"resourceSpans"'

WIDTH, MARGIN = 960, 12
NAMES, TIMES = 330, 80  # pixels on the left and on the right of the bars
ROW, BAR = 22, 12
HEAD, FOOT = 58, 26
STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000]  # ms between two lines of the grid
COLOURS = {"call": "#3274d9", "job": "#e0752d", "model": "#8f3bb8", "other": "#56a64b"}
KINDS = [("call", "the call"), ("job", "the worker's run"), ("model", "models"), ("other", "stores, services")]


def spans_of(lines):
    """All spans of a log, each with its function's name. What is no line of spans is passed over."""
    text = "".join(lines)
    begin = text.find(LINE_OF_SPANS)
    while begin >= 0:
        try:
            read, end = json.JSONDecoder().raw_decode(text, begin)
        except ValueError:
            read, end = {"resourceSpans": []}, begin + 1
        begin = text.find(LINE_OF_SPANS, end)
        for resource in read["resourceSpans"]:
            attributes = {it["key"]: it["value"] for it in resource["resource"]["attributes"]}
            service = attributes.get("service.name", {}).get("stringValue", "")
            for scope in resource["scopeSpans"]:
                for span in scope["spans"]:
                    start, end = int(span["startTimeUnixNano"]) / 1e6, int(span["endTimeUnixNano"]) / 1e6
                    failed = span.get("status", {}).get("code") == 2
                    yield {"trace": span["traceId"], "id": span["spanId"], "parent": span.get("parentSpanId", ""), "name": span["name"],
                           "start": start, "end": end, "service": service, "failed": failed}  # fmt: skip


def is_taken_over(span, by_id):
    """Whether another function goes on here: the parent is the statement that wrote the job, and the message was sent later."""
    parent = by_id.get(span["parent"])
    return parent is not None and parent["service"] != span["service"]


def tree(spans):
    """Each span below its parent, with its depth; what another function does stands behind all of the first."""
    by_id = {span["id"]: span for span in spans}
    ordered = []

    def add(span, depth):
        ordered.append((span, depth))
        children = [it for it in spans if it["parent"] == span["id"] and not is_taken_over(it, by_id)]
        for child in sorted(children, key=lambda it: it["start"]):
            add(child, depth + 1)

    first = [it for it in spans if it["parent"] not in by_id or is_taken_over(it, by_id)]
    for root in sorted(first, key=lambda it: it["start"]):
        add(root, 0)
    return ordered


def kind_of(span):
    if span["name"].startswith("ask model"):
        return "model"
    if span["name"].startswith("record "):
        return "job"
    is_call = span["name"].split(" ")[0] in {"GET", "POST", "PUT", "DELETE"}
    return "call" if is_call else "other"


def written(milliseconds):
    return f"{milliseconds:.0f} ms" if milliseconds >= 10 else f"{milliseconds:.1f} ms"


def draw(spans):
    """The lines of the SVG."""
    rows = tree(spans)
    begin, end = min(span["start"] for span in spans), max(span["end"] for span in spans)
    total = max(end - begin, 0.001)
    height = HEAD + ROW * len(rows) + FOOT
    left, wide = MARGIN + NAMES, WIDTH - 2 * MARGIN - NAMES - TIMES

    def at(time):
        return left + wide * (time - begin) / total

    def text(x, y, what, size=12, colour="#24292e", anchor="start", style=""):
        return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}"{style}>{escape(what)}</text>'

    title = f"One trace: {len(rows)} spans, {written(total)}"
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="Helvetica, Arial, sans-serif" role="img">'
    yield f"<title>{escape(title)}</title>"
    yield f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
    yield text(MARGIN, 22, title, 15, style=' font-weight="bold"')
    x = left
    for kind, says in KINDS:
        yield f'<rect x="{x}" y="12" width="10" height="10" rx="2" fill="{COLOURS[kind]}"/>'
        yield text(x + 15, 21, says, 11, "#6b7280")
        x += 120
    yield f'<line x1="{x}" y1="17" x2="{x + 18}" y2="17" stroke="#6b7280" stroke-width="2" stroke-dasharray="3 2"/>'
    yield text(x + 23, 21, "in the queue", 11, "#6b7280")

    step = next((it for it in STEPS if total / it <= 8), STEPS[-1])
    for number in range(int(total / step) + 1):
        x = at(begin + number * step)
        yield f'<line x1="{x:.1f}" y1="{HEAD - 6}" x2="{x:.1f}" y2="{height - FOOT}" stroke="#e5e7eb"/>'
        yield text(x, HEAD - 12, f"{number * step} ms", 10, "#6b7280", "middle")

    by_id = {span["id"]: span for span in spans}
    for number, (span, depth) in enumerate(rows):
        y = HEAD + ROW * number
        middle = y + ROW / 2
        yield text(MARGIN + 14 * depth, middle + 4, span["name"])
        if depth == 0:
            yield text(left - 10, middle + 4, span["service"], 11, "#6b7280", "end")
        if is_taken_over(span, by_id):
            # In the queue: from the end of the sending to the run that takes the message.
            sent = [it["end"] for it in spans if it["name"] == SENDING and it["end"] <= span["start"]]
            since, until = at(max([begin, *sent])), at(span["start"])
            yield (f'<line x1="{since:.1f}" y1="{middle}" x2="{until:.1f}" y2="{middle}" '
                   'stroke="#6b7280" stroke-width="2" stroke-dasharray="3 2"/>')  # fmt: skip
        size = max(at(span["end"]) - at(span["start"]), 1.5)
        yield (f'<rect x="{at(span["start"]):.1f}" y="{middle - BAR / 2}" width="{size:.1f}" height="{BAR}" rx="2" '
               f'fill="{COLOURS[kind_of(span)]}"/>')  # fmt: skip
        took = written(span["end"] - span["start"]) + (", failed" if span["failed"] else "")
        yield text(WIDTH - MARGIN, middle + 4, took, 11, "#c4162a" if span["failed"] else "#24292e", "end")
    yield text(MARGIN, height - 9, f"trace {spans[0]['trace']}, drawn by infra/monitoring/trace.py", 10, "#6b7280")
    yield "</svg>"


def main():
    spans = list(spans_of(sys.stdin))
    wanted = sys.argv[1:]
    begun = [it for it in spans if (it["trace"] in wanted if wanted else it["name"] == WANTED)]
    if not begun:
        sys.exit("error: no such trace in these lines")
    chosen = max(begun, key=lambda it: it["start"])["trace"]
    print("\n".join(draw([it for it in spans if it["trace"] == chosen])))


main()
