#!/usr/bin/env python3
"""Draws the dashboard of Grafana for Prometheus (grafana/prometheus.json) without Grafana: each panel at its place, by its own queries.

    python3 -m venv /tmp/draw && /tmp/draw/bin/pip install matplotlib
    /tmp/draw/bin/python infra/monitoring/draw.py --prometheus http://127.0.0.1:9090 --minutes 15 docs/images/dashboard.png

It shows what the queries find, not how Grafana looks: fonts, colours and axes are matplotlib's. Two kinds of panel are known, `stat` and
`timeseries`, and the units that the dashboard has; another one ends it with an error.
"""

import argparse
import json
import math
import pathlib
import re
import time
import urllib.parse
import urllib.request

import matplotlib

matplotlib.use("Agg")
import matplotlib.dates
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter, MaxNLocator
from PIL import Image  # matplotlib brings it

DASHBOARD = pathlib.Path(__file__).parent / "grafana" / "prometheus.json"
SAYS = "drawn from the dashboard's queries by infra/monitoring/draw.py, not by Grafana"

COLUMNS = 24
INCHES_A_COLUMN, INCHES_A_ROW = 0.7, 0.33
TITLE_ROWS = 2
# Series beyond these are drawn, and not named.
MAX_NAMED = 8

INK, QUIET, PAPER, PANEL = "#24292e", "#6b7280", "#f4f5f5", "#ffffff"
COLOURS = ["#3274d9", "#e0752d", "#56a64b", "#8f3bb8", "#c4162a", "#b08b00", "#1f9e9e", "#705da0", "#6d6d6d", "#8c564b"]


def ask(server: str, query: str, start: float, end: float, step: int) -> list[dict]:
    """The series that a query finds in a time."""
    asked = urllib.parse.urlencode({"query": query, "start": start, "end": end, "step": step})
    with urllib.request.urlopen(f"{server}/api/v1/query_range?{asked}", timeout=30) as answer:
        return json.load(answer)["data"]["result"]


def shown(value: float, unit: str) -> str:
    """A value with its unit, short enough for an axis."""
    if unit == "percentunit":
        return f"{100 * value:.3g} %"
    if unit == "bytes":
        power = min(int(math.log(value, 1024)), 4) if value >= 1 else 0
        return f"{value / 1024**power:.3g} {['B', 'KiB', 'MiB', 'GiB', 'TiB'][power]}"
    suffix = {"reqps": " req/s", "cps": "/s", "ms": " ms", "s": " s", "short": ""}[unit]
    return f"{value:.3g}{suffix}" if abs(value) < 1000 else f"{value:,.0f}{suffix}"


def name_of(legend: str, labels: dict) -> str:
    """A legend with the series' labels, as Grafana fills it in."""
    return re.sub(r"{{\s*(\w+)\s*}}", lambda found: labels.get(found[1], ""), legend).strip()


def series_of(panel: dict, options: argparse.Namespace, end: float) -> list[tuple[str, list[float], list[float]]]:
    """Names, times and values of all that a panel asks for; times without a value are holes."""
    found = []
    for target in panel["targets"]:
        for series in ask(options.prometheus, target["expr"], end - 60 * options.minutes, end, options.step):
            times = [float(at) for at, _ in series["values"]]
            values = [float(value) for _, value in series["values"]]
            found.append((name_of(target["legendFormat"], series["metric"]), times, values))
    return found


def draw_stat(axes, panel: dict, series: list) -> None:
    unit = panel["fieldConfig"]["defaults"]["unit"]
    axes.set_axis_off()
    values = [value for _, _, values in series for value in values if not math.isnan(value)]
    axes.text(0.5, 0.45, shown(values[-1], unit) if values else "no data", ha="center", va="center", fontsize=24, color=COLOURS[0], transform=axes.transAxes)


def draw_timeseries(axes, panel: dict, series: list, options: argparse.Namespace, end: float) -> None:
    unit = panel["fieldConfig"]["defaults"]["unit"]
    # The largest first, so that those without a name in the legend are small.
    series.sort(key=lambda it: -max((value for value in it[2] if not math.isnan(value)), default=0))
    for number, (name, times, values) in enumerate(series):
        dates = [matplotlib.dates.num2date(at / 86400) for at in times]
        label = name if number < MAX_NAMED else None
        marker = "o" if len(values) == 1 else None
        axes.plot(dates, values, label=label, color=COLOURS[number % len(COLOURS)], linewidth=1.2, marker=marker, markersize=3, clip_on=False)
    axes.set_xlim(matplotlib.dates.num2date((end - 60 * options.minutes) / 86400), matplotlib.dates.num2date(end / 86400))
    values = [value for _, _, values in series for value in values if not math.isnan(value)]
    axes.set_ylim(0, 1.12 * max(values, default=0) or 1)
    axes.xaxis.set_major_formatter(matplotlib.dates.DateFormatter("%H:%M"))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=unit == "short" and max(values, default=0) > 3))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: shown(value, unit)))
    axes.tick_params(labelsize=7, colors=QUIET, length=2)
    axes.grid(color="#e5e7eb", linewidth=0.6)
    for side in axes.spines.values():
        side.set_visible(False)
    if not series:
        axes.text(0.5, 0.5, "no data", ha="center", va="center", color=QUIET, transform=axes.transAxes)
    elif len(series) > MAX_NAMED:
        axes.plot([], [], " ", label=f"and {len(series) - MAX_NAMED} more")


def draw(options: argparse.Namespace) -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    panels = dashboard["panels"]
    end = options.end or time.time()
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels) + TITLE_ROWS
    width, height = COLUMNS * INCHES_A_COLUMN, rows * INCHES_A_ROW
    figure = plt.figure(figsize=(width, height), facecolor=PAPER)
    figure.text(0.008, 1 - 0.75 * TITLE_ROWS / 2 / rows, dashboard["title"], fontsize=15, color=INK, va="center", weight="bold")
    figure.text(0.992, 1 - 0.75 * TITLE_ROWS / 2 / rows, SAYS, fontsize=9, color=QUIET, va="center", ha="right")

    for panel in panels:
        place = panel["gridPos"]
        left, top = place["x"] / COLUMNS, 1 - (place["y"] + TITLE_ROWS) / rows
        wide, high = place["w"] / COLUMNS, place["h"] / rows
        if panel["type"] == "row":
            figure.text(left + 0.008, top - high / 2, panel["title"], fontsize=11, color=INK, va="center", weight="bold")
            continue

        gap_x, gap_y = 0.05 / width, 0.05 / height
        box = (left + gap_x, top - high + gap_y, wide - 2 * gap_x, high - 2 * gap_y)
        figure.patches.append(plt.Rectangle(box[:2], box[2], box[3], transform=figure.transFigure, facecolor=PANEL, edgecolor="#dcdfe3", linewidth=0.8, zorder=-1))
        figure.text(box[0] + 0.12 / width, top - 0.2 / height, panel["title"], fontsize=9.5, color=INK, va="center")
        series = series_of(panel, options, end)
        if panel["type"] == "stat":
            draw_stat(figure.add_axes(box), panel, series)
        elif panel["type"] == "timeseries":
            # Two columns of names below the axes.
            named = min(len(series), MAX_NAMED + 1)
            legend = 0.16 * math.ceil(named / 2) / height
            inner = (box[0] + 0.62 / width, box[1] + 0.3 / height + legend, box[2] - 0.8 / width, box[3] - 0.68 / height - legend)
            axes = figure.add_axes(inner, facecolor=PANEL)
            draw_timeseries(axes, panel, series, options, end)
            if axes.get_legend_handles_labels()[1]:
                below = (box[0] + 0.05 / width, box[1])
                axes.legend(loc="lower left", bbox_to_anchor=below, bbox_transform=figure.transFigure, ncols=2, fontsize=6.5, frameon=False, handlelength=1.2,
                            labelspacing=0.25, columnspacing=1, borderpad=0.3, labelcolor=INK)  # fmt: skip
        else:
            raise SystemExit(f"error: {panel['title']} is a {panel['type']}, which this script cannot draw")
    figure.savefig(options.picture, dpi=options.dpi, facecolor=PAPER)
    # A few colours are enough, and a quarter of the bytes.
    Image.open(options.picture).convert("P", palette=Image.Palette.ADAPTIVE, colors=64).save(options.picture, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", help="where the picture goes")
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090", help="its address")
    parser.add_argument("--minutes", type=int, default=60, help="how much time is drawn")
    parser.add_argument("--end", type=float, help="until when, in seconds since 1970; now, if left out")
    parser.add_argument("--step", type=int, default=10, help="seconds between two values")
    parser.add_argument("--dpi", type=int, default=100)
    draw(parser.parse_args())


main()
