"""What is logged of errors."""

from streams.failures import frames_of


def _fails(text: str) -> None:
    raise ValueError(text)


def test_places_and_types_are_told_and_no_message() -> None:
    """An error's chain is told by type and place; what its messages hold is not."""
    try:
        try:
            _fails("Li Lei, 13800138000")
        except ValueError as error:
            raise RuntimeError("of Li Lei") from error
    except RuntimeError as error:
        told = frames_of(error)
    assert told[-1] == "ValueError"
    assert "RuntimeError" in told
    assert any(each.endswith("_fails") for each in told)
    assert "Li Lei" not in str(told)
