"""Draw a pprof profile of processor time as a flame graph.

    go tool pprof -traces FILE.prof | python3 deploy/bench/flamegraph.py TITLE > FILE.svg

Width is processor time, callers are below. What has less than 1/200 of the time is left out, which keeps the file small.
"""

import html
import re
import sys

WIDTH, ROW, LEAST = 1200, 16, 1 / 200
UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "mins": 60.0}


def stacks(lines):
    """Yield the seconds and the frames, outermost first, of each sample."""
    seconds, frames = 0.0, []
    for line in lines:
        if line.startswith("-----------+"):
            if frames:
                yield seconds, frames[::-1]
            seconds, frames = 0.0, []
        elif first := re.match(r"\s+([\d.]+)(ns|us|µs|ms|s|mins)\s+(\S.*)", line):
            seconds, frames = float(first[1]) * UNITS[first[2]], [first[3].strip()]
        elif frames and line.strip():
            frames.append(line.strip())
    if frames:
        yield seconds, frames[::-1]


def tree(samples):
    root = {"name": "all", "seconds": 0.0, "children": {}}
    for seconds, frames in samples:
        root["seconds"] += seconds
        node = root
        for name in frames:
            name = re.sub(r"\[.*\]|\s*\(inline\)|^.*/(?=[^/]+$)", "", name)
            node = node["children"].setdefault(name, {"name": name, "seconds": 0.0, "children": {}})
            node["seconds"] += seconds
    return root


def boxes(node, x, depth, scale):
    yield node, x, depth
    for child in sorted(node["children"].values(), key=lambda n: n["name"]):
        if child["seconds"] * scale >= WIDTH * LEAST:
            yield from boxes(child, x, depth + 1, scale)
        x += child["seconds"] * scale


def main():
    root = tree(stacks(sys.stdin))
    scale = WIDTH / root["seconds"]
    drawn = list(boxes(root, 0.0, 0, scale))
    height = (max(depth for _, _, depth in drawn) + 3) * ROW
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="11">')
    print(f'<rect width="{WIDTH}" height="{height}" fill="#fff"/><text x="4" y="13">{html.escape(sys.argv[1])}: {root["seconds"]:.1f} s</text>')
    for node, x, depth in drawn:
        width, y, name = node["seconds"] * scale, height - (depth + 1) * ROW, node["name"]
        share = f'{html.escape(name)} {node["seconds"] / root["seconds"]:.1%}'
        color = f"hsl({20 + sum(map(ord, name)) % 40},80%,72%)"
        fits = int(width / 6.2)
        label = html.escape(name if len(name) <= fits else name[: fits - 1] + "…") if fits > 3 else ""
        print(f'<g><title>{share}</title><rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW - 1}" fill="{color}"/>'
              f'<text x="{x + 2:.1f}" y="{y + 11}">{label}</text></g>')
    print("</svg>")


if __name__ == "__main__":
    main()
