"""Numbers as texts."""


def whole(number: float) -> str:
    """`12,345`."""
    return f"{number:,.0f}"


def about(number: float) -> str:
    """Three figures: `0.0123`, `1.23`, `123`, `12,300`."""
    if number == 0:
        return "0"
    if number >= 100:
        return f"{number:,.0f}"
    digits = 3 - len(str(int(number))) if number >= 1 else 3
    text = f"{number:.{digits}f}" if number >= 0.01 else f"{number:.2g}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def share(part: float, total: float) -> str:
    """`12.3 %`; what is not nothing is not `0 %`, and what is not all is not `100 %`."""
    if not total or not part:
        return "0 %"
    percent = 100 * part / total
    if percent < 0.1:
        return "< 0.1 %"
    if percent == 100:
        return "100 %"
    return "> 99.9 %" if 99.9 < percent < 100 else f"{percent:.1f} %"


def size(number: float) -> str:
    """Bytes: `999 B`, `12.3 kB`, `4.56 MB`."""
    unit = "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if number < 1000:
            break
        number, unit = number / 1000, larger
    return f"{about(number)} {unit}" if unit != "B" else f"{number:.0f} B"


def duration(seconds: float) -> str:
    """`0.5 s`, `59 s`, `12 min`, `3.2 h`, `4.1 days`."""
    for most, unit, word in ((120, 1, "s"), (7_200, 60, "min"), (172_800, 3_600, "h")):
        if seconds < most:
            return f"{about(round(seconds / unit, 1))} {word}"
    return f"{about(round(seconds / 86_400, 1))} days"


def records(count: int) -> str:
    """`1 record`, `2,000 records`."""
    return f"{count:,} record" + ("" if count == 1 else "s")
