"""The shipped mappings on small exports of their kind: Chicago 311 and a Chinese 12345 hotline."""

from pathlib import Path

from tests.warning.intake.tables import run
from tests.warning.intake.workbooks import write_workbook
from warning.intake.mapping_files import load_mapping

CHICAGO = """\
SR_NUMBER,SR_TYPE,OWNER_DEPARTMENT,CREATED_DEPARTMENT,STATUS,ORIGIN,CREATED_DATE,LAST_MODIFIED_DATE,CLOSED_DATE,DUPLICATE,COMMUNITY_AREA
SR1,Pothole,CDOT,311,Completed,Internet,07/01/2025 09:00:00 AM,07/03/2025 09:00:00 AM,07/02/2025 10:00:00 AM,false,8
SR2,311 INFORMATION ONLY CALL,311,,Completed,Phone Call,07/01/2025 09:00:00 AM,,07/01/2025 09:01:00 AM,false,
SR3,Pothole,CDOT,CDOT,Canceled,Internet,07/01/2025 09:00:00 AM,07/01/2025 11:00:00 AM,,false,8.0
SR4,Pothole,CDOT,,Open,Internet,07/01/2025 09:00:00 AM,07/01/2025 12:00:00 PM,,true,0
SR5,Pothole,CDOT,,Open,Internet,07/01/2025 09:00:00 AM,,07/01/2025 10:00:00 AM,false,8
SR6,Pothole,CDOT,311,Open,Internet,07/01/2025 09:00:00 AM,07/01/2025 10:00:00 AM,,false,8
SR7,Pothole,CDOT,,Lost,Internet,07/01/2025 09:00:00 AM,,,false,8
"""
NINE = 1_751_378_400_000
HOUR = 3_600_000

CELLS = {
    "工单编号": "GD1",
    "受理时间": "2025-06-02 08:00:00",
    "来源渠道": "电话",
    "一级分类": "环境保护",
    "二级分类": "噪声",
    "三级分类": "",
    "区县": "海淀区",
    "街道(乡镇)": "中关村街道",
    "社区": "不详",
    "承办单位": "区城管委",
    "办结时间": "2025-06-03 08:00:00",
    "工单状态": "已办结",
    "诉求内容": "夜间施工，请致电13812345678",
    "来电人": "张三",
    "联系电话": "13812345678",
    "详细地址": "某路1号",
}


def test_chicago_rows_become_tickets_and_their_life(tmp_path: Path) -> None:
    """Closing, transfer, cancellation and duplicate become events at their own times; a call is no request."""
    path = tmp_path / "chicago.csv"
    path.write_text(CHICAGO)
    outcome = run(path, mapping=load_mapping("chicago311"))
    assert outcome.refused == [(3, "SR_TYPE", "not_a_request")]
    assert outcome.life == [
        ("SR1", "TRANSFERRED", NINE + 25 * HOUR),
        ("SR1", "RESOLVED", NINE + 25 * HOUR),
        ("SR3", "WITHDRAWN", NINE + 2 * HOUR),
        ("SR4", "MERGED", NINE + 3 * HOUR),
        ("SR6", "TRANSFERRED", NINE + HOUR),
    ]
    assert outcome.areas == ["Chicago/8", "Chicago/8", "Chicago", "Chicago/8", "Chicago/8", "Chicago/8"]
    assert outcome.repairs == {
        ("area", "community_area_number"): 1,
        ("area", "unknown_community_area"): 1,
        ("closed_at", "closing_of_open_ticket"): 1,
        ("status", "unknown_status"): 1,
    }


def test_a_ticket_is_of_the_department_that_took_it(tmp_path: Path) -> None:
    """At its creation a ticket belongs to the creating department, after a transfer to its owner."""
    from warning.intake.files import read_files

    path = tmp_path / "chicago.csv"
    path.write_text(CHICAGO)
    part = next(read_files([path], load_mapping("chicago311")))
    assert part.tickets.department.decoded() == ["311", "CDOT", "CDOT", "CDOT", "311", "CDOT"]
    assert set(part.life.department.decoded()) == {"CDOT"}
    assert part.life.row.tolist() == [0] * len(part.life)


def test_a_hotline_export_in_gb18030_below_a_title(tmp_path: Path) -> None:
    """A 12345 export as cities write it: encoding, title line, levels of category and area, personal columns."""
    path = tmp_path / "工单.csv"
    lines = ["某市12345热线工单" + "," * 15, ",".join(CELLS), ",".join(CELLS.values())]
    path.write_bytes("\n".join(lines).encode("gb18030"))
    _check_order(run(path, mapping=load_mapping("china-12345")), row=3)


def test_a_hotline_workbook_below_a_merged_title(tmp_path: Path) -> None:
    """The same order from a workbook gives the same ticket."""
    rows = [["某市12345热线工单"], list(CELLS), list(CELLS.values())]
    path = write_workbook(tmp_path / "工单.xlsx", rows, merged=["A1:P1"])
    _check_order(run(path, mapping=load_mapping("china-12345")), row=3)


def _check_order(outcome: object, row: int) -> None:
    assert vars(outcome) | {"life": None} == {
        "ids": ["GD1"],
        "rows": [row],
        "times": [1_748_822_400_000],
        "areas": ["全市/海淀区/中关村街道"],
        "categories": ["环境保护 / 噪声"],
        "texts": ["夜间施工，请致电[电话/phone]"],
        "life": None,
        "rejects": [],
        "repairs": {("area", "unknown_community"): 1},
        "read": 1,
    }
    assert "张三" not in repr(outcome)
