"""Long texts as the store packs them: any text comes back, whole, cut, or alone."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from aa_tui.backend.model.event import Part
from aa_tui.backend.store.contents import pack, unpack

ANY = st.characters(exclude_categories=["Cs"])
TEXTS = st.dictionaries(
    st.sampled_from([Part.TEXT, Part.INPUT, Part.OUTPUT, Part.ERROR, Part.REASONING]),
    st.text(ANY, min_size=1, max_size=40).map(lambda text: text * 7),
    min_size=1,
)


@settings(max_examples=150, deadline=None)
@given(
    texts=TEXTS,
    head=st.none() | st.text(ANY, max_size=9),
    limit=st.integers(0, 90),
)
def test_what_was_packed_comes_back(texts: dict[str, str], head: str | None, limit: int) -> None:
    if head is None:
        head = min(texts.values(), key=len)[:200]
    packed = pack(texts, head)
    assert {part: text for part, text, _ in unpack(*packed, head)} == texts
    cut = {part: (text, size) for part, text, size in unpack(*packed, head, limit=limit)}
    assert cut == {part: (text[:limit], len(text)) for part, text in texts.items()}
    for part, text in texts.items():
        assert list(unpack(*packed, head, only=(part,))) == [(part, text, len(text))]


def test_the_head_is_not_stored_twice() -> None:
    text = "".join(chr(33 + (at * at * 7 + at // 3) % 90) for at in range(400))
    with_head = len(pack({Part.TEXT: text}, text[:200])[1])
    assert with_head < len(pack({Part.TEXT: text}, None)[1]) - 100
    assert len(pack({Part.TEXT: "Where is my order?"}, "Where is my order?")[1]) == 1


def test_the_beginning_of_a_large_text_is_read_without_the_rest() -> None:
    parts, body = pack({Part.OUTPUT: "x" * 5_000_000, Part.INPUT: "ls"}, "ls")
    assert parts == "i:2 o:5000000"
    # The end is damaged: whoever asks for the beginning does not come there.
    beginning = {part: text for part, text, _ in unpack(parts, body[:-1000], "ls", limit=10)}
    assert beginning == {"input": "ls", "output": "x" * 10}
