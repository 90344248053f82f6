"""Plain words, in Chinese and English, for the figures and codes of an alert; shared by every way of showing one."""

from __future__ import annotations

from dataclasses import dataclass

from warning.domain.alert import AlertStatus, Disposition, ReviewFlag
from warning.domain.outcome import RowOutcome
from warning.domain.reject import RejectReason
from warning.domain.signal import EvidenceState

HOURS_A_DAY = 24
DAYS_A_YEAR = 365.25
LONGEST_YEARS = 1000
"""A recurrence interval beyond this says no more than "practically never"; no history is long enough to check it."""


@dataclass(frozen=True, slots=True)
class Words:
    """The same words in both languages."""

    zh: str
    en: str


KINDS = {
    "surge": Words("激增", "surge"),
    "drop": Words("骤减", "drop"),
    "silence": Words("中断", "silence"),
    "cluster": Words("聚集", "cluster"),
    "novel": Words("新现象", "new topic"),
}
STATES = {
    EvidenceState.PROVISIONAL: Words("初步", "provisional"),
    EvidenceState.FINAL: Words("数据已齐", "final"),
    EvidenceState.WITHDRAWN: Words("已撤回", "withdrawn"),
}
CAUTIONS = {
    EvidenceState.PROVISIONAL: Words(
        "初步证据:窗口尚未结束,数字是截至发出时的件数,可能变化。",
        "Provisional: the window had not ended; the figures are those so far and may change.",
    ),
    EvidenceState.WITHDRAWN: Words(
        "已撤回:窗口结束后的完整数据不支持当时的判断。",
        "Withdrawn: the window has ended, and its whole count does not bear out what was seen while it was open.",
    ),
}
"""What a reader must know of evidence that is not final."""

STATUSES = {
    AlertStatus.OPEN: Words("未处置", "open"),
    AlertStatus.ACKNOWLEDGED: Words("已接手", "acknowledged"),
    AlertStatus.SNOOZED: Words("已暂缓", "snoozed"),
    AlertStatus.CLOSED: Words("已结束", "closed"),
}
DISPOSITIONS = {
    Disposition.CONFIRMED: Words("属实", "confirmed"),
    Disposition.FALSE_ALARM: Words("误报", "false alarm"),
    Disposition.EXPECTED_CHANGE: Words("预期变化", "expected change"),
    Disposition.DUPLICATE: Words("重复", "duplicate"),
    Disposition.NEEDS_MORE_DATA: Words("有待更多数据", "needs more data"),
}
FLAGS = {
    ReviewFlag.LOW_CONFIDENCE: Words("把握不足", "low confidence"),
    ReviewFlag.SPARSE_DATA: Words("数据稀少", "sparse data"),
    ReviewFlag.NOVEL_TOPIC: Words("前所未见", "novel topic"),
    ReviewFlag.HIGH_IMPACT: Words("影响较大", "high impact"),
    ReviewFlag.SPANS_DEPARTMENTS: Words("涉及多个部门", "spans departments"),
    ReviewFlag.MODEL_CHANGED: Words("模型有变", "model changed"),
    ReviewFlag.VULNERABLE_GROUP_CHANNEL: Words("弱势群体渠道", "vulnerable group channel"),
}
OUTCOMES = {
    RowOutcome.ACCEPTED: Words("接受", "accepted"),
    RowOutcome.UPDATED: Words("更新", "updated"),
    RowOutcome.DUPLICATE: Words("重复", "duplicate"),
    RowOutcome.LATE: Words("迟到", "late"),
    RowOutcome.REJECTED: Words("拒绝", "rejected"),
}
REASONS = {
    RejectReason.UNREADABLE_ROW: Words("无法读取的行", "unreadable row"),
    RejectReason.WRONG_COLUMN_COUNT: Words("列数不符", "wrong number of columns"),
    RejectReason.FIELD_TOO_LONG: Words("字段过长", "field too long"),
    RejectReason.UNDECODABLE_TEXT: Words("文字无法解码", "text cannot be decoded"),
    RejectReason.MISSING_REQUIRED: Words("缺少必填项", "required field missing"),
    RejectReason.BAD_TIME: Words("时间有误", "bad time"),
    RejectReason.NONEXISTENT_LOCAL_TIME: Words("当地不存在的时间", "local time that never was"),
    RejectReason.TIME_IN_FUTURE: Words("时间在未来", "time in the future"),
    RejectReason.TIME_TOO_OLD: Words("时间过早", "time too old"),
    RejectReason.BAD_AREA: Words("区域有误", "bad area"),
    RejectReason.BAD_TYPE: Words("类型有误", "wrong type"),
    RejectReason.FORMULA_CELL: Words("公式单元格", "formula cell"),
    RejectReason.TOO_LONG_NAME: Words("名称过长", "name too long"),
    RejectReason.NOT_A_REQUEST: Words("不是诉求", "not a request"),
    RejectReason.UNKNOWN_SOURCE: Words("来源未登记", "unknown source"),
}


def kind_words(kind: str) -> Words:
    """Name a kind of alert; one that has no name here is shown as it is."""
    return KINDS.get(kind, Words(kind, kind))


def figure(value: float) -> str:
    """Show an expected count: 0.04, 3.2, 47, 1,204."""
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 10:
        return f"{value:.3g}"
    return f"{value:.2g}"


def times_expected(observed: float, expected: float) -> Words:
    """Say how observed relates to expected: "37 times as many"."""
    if observed < expected:
        share = f"{100 * observed / expected:.0f}%"
        return Words(f"仅为预计的 {share}", f"only {share} of that")
    if expected < 0.05:
        return Words("平时几乎没有", "normally almost none")
    ratio = figure(round(observed / expected, 1 if observed < 10 * expected else 0))
    return Words(f"是预计的 {ratio} 倍", f"{ratio} times as many")


def duration(days: float) -> Words:
    """Say a span of days in the unit that reads best."""
    if days >= LONGEST_YEARS * DAYS_A_YEAR:
        return Words(f"{LONGEST_YEARS:,} 年以上", f"more than {LONGEST_YEARS:,} years")
    for unit_days, zh, en in ((DAYS_A_YEAR, "年", "years"), (1.0, "天", "days"), (1 / HOURS_A_DAY, "小时", "hours")):
        if days >= 2 * unit_days:
            count = figure(days / unit_days)
            return Words(f"{count} {zh}", f"{count} {en}")
    return Words("2 小时以内", "less than 2 hours")


def chance(p_value: float) -> Words:
    """Say a small probability as "1 in 5,000"."""
    if p_value < 1e-12:
        return Words("不到一万亿分之一", "less than 1 in a trillion")
    if p_value >= 0.1:
        return Words(f"{p_value:.0%}", f"{p_value:.0%}")
    odds = float(f"{1 / p_value:.2g}")
    return Words(f"{odds:,.0f} 分之一", f"1 in {odds:,.0f}")


def what_happened(observed: int, expected: float, upper_bound: float) -> Words:
    """Say observed against expected in one sentence each."""
    ratio = times_expected(observed, expected)
    return Words(
        f"实际 {observed:,} 件,预计约 {figure(expected)} 件,{ratio.zh};达到 {figure(upper_bound)} 件即为异常。",
        f"{observed:,} came in; about {figure(expected)} were expected ({ratio.en}). "
        f"From {figure(upper_bound)} on it counts as unusual.",
    )


def how_rare(p_value: float, recurrence_interval_days: float) -> Words:
    """Say the p-value and the recurrence interval in one sentence each."""
    odds, apart = chance(p_value), duration(recurrence_interval_days)
    return Words(
        f"平常日子里偶然出现的可能为 {odds.zh} (p = {p_value:.3g});仅凭偶然,这样强的预警约每 {apart.zh}才有一次。",
        f"On an ordinary day chance alone does this with a probability of {odds.en} (p = {p_value:.3g}); "
        f"an alert as strong as this would come by chance about once in {apart.en}.",
    )
