"""What to do about each reason for refusing a row: one sentence in each language."""

from warning.domain.reject import RejectReason

ADVICE: dict[RejectReason, tuple[str, str]] = {
    RejectReason.UNREADABLE_ROW: (
        "该行已损坏（引号未闭合、行被截断、含空字节或不是有效的 JSON）：请在源系统中更正或重新导出该行。",
        "The row is damaged (an open quote, cut off, NUL bytes or no valid JSON): correct it or export it again.",
    ),
    RejectReason.WRONG_COLUMN_COUNT: (
        "该行的列数与表头不符（值为实际列数 / 应有列数）：请检查单元格中未加引号的分隔符，或重新导出。",
        "The row's number of cells differs from the header's (value: found / expected): quote cells with delimiters.",
    ),
    RejectReason.FIELD_TOO_LONG: (
        "单元格过长（超过 131072 个字符）：请检查引号是否未闭合，或缩短该文本。",
        "A cell is longer than 131072 characters: look for an open quote, or shorten the text.",
    ),
    RejectReason.UNDECODABLE_TEXT: (
        "该单元格含有无法解码的字节：请以 UTF-8 重新导出，或在映射的 format.encoding 中指定编码。",
        "The cell has bytes that are not in the file's encoding: export as UTF-8, or set the mapping's encoding.",
    ),
    RejectReason.MISSING_REQUIRED: (
        "缺少必填内容：请在源系统中补全该字段。",
        "A required field is empty: fill it in at the source.",
    ),
    RejectReason.BAD_TIME: (
        "无法识别该时间：请更正，或在映射的 formats 中加入其格式。",
        "The time cannot be read: correct it, or add its format to the field's formats in the mapping.",
    ),
    RejectReason.NONEXISTENT_LOCAL_TIME: (
        "该本地时间不存在（夏令时开始时被跳过）：请连同时区偏移一起导出时间，或检查映射的 zone。",
        "This local time was skipped by the clocks: export times with their UTC offset, or check the mapping's zone.",
    ),
    RejectReason.TIME_IN_FUTURE: (
        "时间晚于当前时间 10 分钟以上：请检查该时间、映射的 zone 和本机时钟。",
        "The time is more than 10 minutes in the future: check it, the mapping's zone and this machine's clock.",
    ),
    RejectReason.TIME_TOO_OLD: (
        "时间早于最早可接受日期（常见于空时间被写成 1970 年）：请更正该时间。",
        "The time is before the earliest accepted date (an empty time often becomes 1970): correct it.",
    ),
    RejectReason.BAD_AREA: (
        "没有可用的区域名称：请填写区域，或在映射的 area 中设置固定的上级区域。",
        "There is no usable area name: fill it in, or give the mapping's area a fixed first level.",
    ),
    RejectReason.BAD_TYPE: (
        "该字段的数据类型不对（例如对象、列表或布尔值）：请改为文本或时间。",
        "The field has the wrong type (such as an object, a list or a boolean): send a text or a time.",
    ),
    RejectReason.FORMULA_CELL: (
        "该单元格是公式而不是值：请在表格中复制后“粘贴为数值”，再重新导出。",
        "The cell is a formula, not a value: paste it as a value in the spreadsheet and export again.",
    ),
    RejectReason.TOO_LONG_NAME: (
        "名称或编号超过 200 个字符：请检查该列是否错位，或缩短名称。",
        "A name or an id is longer than 200 characters: check whether the columns are shifted, or shorten it.",
    ),
    RejectReason.NOT_A_REQUEST: (
        "该行不是诉求（映射已将其排除），无需处理。",
        "The row is not a request (the mapping leaves such rows out); nothing needs doing.",
    ),
    RejectReason.UNKNOWN_SOURCE: (
        "该来源未登记，或其映射无法使用：请登记来源或更正映射，然后重放。",
        "The source is not registered, or its mapping cannot be used: register it or correct the mapping, then replay.",
    ),
}
