"""Examples for the API's description; what they show is invented."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TICKET = {
    "ticket_id": "GD-20260501-000123",
    "created_at": "2026-05-01T08:15:00+08:00",
    "category": "噪声扰民",
    "area": "江川市/南岸区",
    "department": "城管局",
    "channel": "电话",
    "text": "工地夜间施工,噪声很大。",
}
CLOUDEVENT_EXAMPLE = {
    "specversion": "1.0",
    "id": "a3f1",
    "source": "/platforms/hotline",
    "type": "ticket.created",
    "subject": TICKET["ticket_id"],
    "time": TICKET["created_at"],
    "datacontenttype": "application/json",
    "data": {name: value for name, value in TICKET.items() if name not in {"ticket_id", "created_at"}},
}
_AT = "2026-05-01T08:30:00+08:00"
_LATER = "2026-05-01T09:00:00+08:00"
_FROM, _UNTIL = "2026-05-01T08:00:00+08:00", "2026-05-01T08:15:00+08:00"
_REJECT = {
    "source": "hotline",
    "row": 2,
    "field": "created_at",
    "reason": "bad_time",
    "advice_zh": "时间格式有误,请按映射中的格式填写。",
    "advice_en": "Write the time as the mapping says.",
    "value": "昨天",
}
_PUSH = {
    "accepted": 1,
    "rejected": 1,
    "items": [
        {"index": 0, "ticket_id": "GD-20260501-000123", "status": "accepted"},
        {"index": 1, "ticket_id": "GD-20260501-000124", "status": "rejected", "reject": _REJECT},
    ],
}
_HANDLING = {
    "version": 1,
    "status": "acknowledged",
    "assignee": "wang",
    "disposition": None,
    "reviewer": "",
    "snoozed_until": None,
}
_EXAMPLE = {
    "source": "hotline",
    "ticket_id": TICKET["ticket_id"],
    "created_at": TICKET["created_at"],
    "area": TICKET["area"],
    "text": TICKET["text"],
}
_EVIDENCE = {
    "window_start": _FROM,
    "window_end": _UNTIL,
    "observed": 43,
    "expected": 1.8,
    "upper_bound": 9.0,
    "p_value": 2.1e-9,
    "recurrence_interval_days": 4200.0,
    "state": "final",
    "kind": "surge",
    "jurisdiction": "江川市",
    "raised_at": _AT,
    "updated_at": _LATER,
    "parts": [["江川市/南岸区", 43, 1.8]],
    "departments": ["城管局"],
    "channels": ["电话"],
    "examples": [_EXAMPLE],
}
_SERIES = {"kind": "area_category", "area": "江川市/南岸区", "name": "噪声扰民"}
_SIGNAL = _EVIDENCE | {
    "id": "5be0",
    "detector": "surge",
    "series": _SERIES,
    "length": "15m",
    "score": 5.7,
    "history_days": 120.0,
}
_ALERT = _EVIDENCE | {
    "id": "7f3a",
    "closed_at": None,
    "detectors": ["surge"],
    "areas": ["江川市/南岸区"],
    "categories": ["噪声扰民"],
    "severity": 80,
    "flags": [{"code": "high_impact", "reason_zh": "件数很多", "reason_en": "many tickets"}],
    "status": "acknowledged",
    "aliases": [],
    "headline": {"zh": "噪声扰民:南岸区 15 分钟 43 件,预计约 2 件", "en": "Noise: 43 in 15 minutes, about 2 expected"},
    "lead_signal_id": "5be0",
    "signal_ids": ["5be0"],
    "history": [
        {"rule": "OPEN-1", "at": _AT, "severity": 80, "status": "open", "observed": 43, "expected": 1.8},
    ],
    "needs_review": True,
    "handling": _HANDLING,
}
_ENTRY = {
    "version": 1,
    "rule": "ASSIGN-1",
    "act": "assign",
    "actor": "li",
    "at": _LATER,
    "status": "acknowledged",
    "reason": "",
    "assignee": "wang",
    "disposition": None,
    "until": None,
    "effect_zh": "",
    "effect_en": "",
}
_POINT = {"series": _SERIES, "length": "15m", "start": _FROM, "end": _UNTIL}
_USER = {"name": "wang", "role": "operator", "active": True, "created_at": _AT}
_KEY = {
    "id": "key-1a2b3c4d",
    "source": "hotline",
    "prefix": "ew_Xy12Zk",
    "created_at": _AT,
    "expires_at": None,
    "revoked_at": None,
    "last_used_at": _LATER,
}
_PASSWORD = "four unrelated words"  # noqa: S105  an example

EXAMPLES: Mapping[str, Any] = {
    "ProblemKind": {
        "type": "/problems/conflict",
        "status": 409,
        "title_zh": "已被他人更新",
        "title_en": "Changed by someone else",
    },
    "PushOut": _PUSH,
    "TicketStatusOut": {
        "source": "hotline",
        "ticket_id": TICKET["ticket_id"],
        "outcome": "accepted",
        "received_at": _AT,
        "created_at": TICKET["created_at"],
        "category": TICKET["category"],
        "area": TICKET["area"],
        "times_received": 1,
        "last_outcome": "accepted",
        "reject": None,
    },
    "AlertOut": _ALERT,
    "AlertPage": {"items": [_ALERT], "next_cursor": None},
    "AlertDetailOut": _ALERT
    | {
        "zone": "Asia/Shanghai",
        "reason": {"zh": "激增:窗口内 43 件,是预计的 24 倍。", "en": "surge: 43 in the window, 24 times as many."},
        "signals": [_SIGNAL],
        "course": [_POINT | {"observed": 43, "expected": 1.8, "upper_bound": 9.0}],
        "entries": [_ENTRY],
    },
    "RejectionPage": {
        "items": [
            {
                "id": 17,
                "at": _AT,
                "source": "hotline",
                "reject": _REJECT,
                "replayed_at": None,
                "original_until": "2026-05-04T08:30:00+08:00",
            }
        ],
        "next_cursor": None,
    },
    "HistoryOut": {"rows": 1_204_311, "newer": 512, "rejected": {"bad_time": 3}, "until": _FROM, "gap": None},
    "LoadOut": {
        "id": 1,
        "files": ["2025.csv"],
        "mapping": "canonical",
        "loaded_at": _AT,
        "rows": 1_204_311,
        "rejected": 3,
        "until": _FROM,
    },
    "PlanOut": {
        "id": "c0ffee",
        "title": "马拉松赛",
        "start": "2026-05-03T06:00:00+08:00",
        "end": "2026-05-03T14:00:00+08:00",
        "areas": ["江川市/南岸区"],
        "categories": [],
        "entered_by": "li",
        "entered_at": _AT,
        "cancelled_at": None,
    },
    "SourceOut": {
        "name": "hotline",
        "mapping": "canonical",
        "title_zh": "市民热线",
        "title_en": "Hotline",
        "last_received_at": _LATER,
        "last_event_at": _AT,
        "silent": False,
    },
    "UserOut": _USER,
    "NewUserOut": _USER | {"password": _PASSWORD},
    "PasswordOut": {"password": _PASSWORD},
    "KeyOut": _KEY,
    "NewKeyOut": _KEY | {"key": "ew_Xy12Zk..."},
    "SessionOut": {"name": "wang", "role": "operator", "source": None, "rights": ["handle", "read"], "csrf": "b64..."},
    "HealthOut": {"ok": True, "reason_zh": "就绪。", "reason_en": "Ready."},
    "Problem": {
        "type": "/problems/conflict",
        "title": "Changed by someone else",
        "status": 409,
        "detail": "alert 7f3a: you saw version 0, it is now at 1. Reload it and decide again.",
        "detail_zh": "预警 7f3a 已被他人更新 (你看到的是第 0 版,现为第 1 版)。",
        "detail_en": "alert 7f3a: you saw version 0, it is now at 1. Reload it and decide again.",
        "request_id": "0f2a4c6e8a0b1c3d",
        "current": _HANDLING | {"alert_id": "7f3a"},
    },
}
"""By the name of the schema."""
