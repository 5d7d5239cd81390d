"""What a judge prompt must not carry: the secrets of the shared corpus and the shapes redaction knows."""

from __future__ import annotations

import json

import pytest

from aa_tui.backend.judging.masking import MASK, mask_secrets, may_hold_secrets
from aa_tui.backend.support.redaction import Redactor
from tests import hostile

_SECRETS = [one for one in hostile.entries() if one["category"] == "secret" and "redact" in str(one["expect"])]
_SHAPES = (
    "sk-" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z",
    "AKIA" + "IOSFODNN7EXAMPLE",
    "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "xoxb-" + "123456789012-abcdefghijkl",
    "AIza" + "SyA-1234567890abcdefghijklmnopqrstu",
)


@pytest.mark.parametrize("secret", _SHAPES)
def test_shapes_are_masked_in_every_dress(secret: str) -> None:
    inside = json.dumps({"headers": json.dumps({"x": f"key {secret}"})})
    for text in (secret, f"key={secret};", inside, f"```\n{secret}\n```", f"é {secret} 数"):
        masked = mask_secrets(text)
        assert secret not in masked
        assert MASK in masked
        assert may_hold_secrets(text)


def test_what_is_no_secret_stays_the_same_object() -> None:
    for text in ("", "hello", "sk-learn-is-a-library-for-machine-learning", '{"a": "b"}', "mail me at a@example.com"):
        assert mask_secrets(text) is text


def test_credentials_of_json_are_masked_whole_or_cut() -> None:
    plain = json.dumps({"aws_secret_access_key": "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYxx", "n": 1})
    assert json.loads(mask_secrets(plain)) == {"aws_secret_access_key": MASK, "n": 1}
    whole = json.dumps({"body": json.dumps({"Authorization": "Basic dXNlcjpodW50ZXIyaHVudGVyMg=="}), "n": 1})
    assert json.loads(json.loads(mask_secrets(whole))["body"]) == {"Authorization": f"Basic {MASK}"}
    assert "dXNlcjpodW50ZXIy" not in mask_secrets(whole[:-3])


def test_the_quick_look_never_misses_what_is_masked() -> None:
    for entry in hostile.entries():
        text = hostile.cut(entry)
        if mask_secrets(text) != text:
            assert may_hold_secrets(text)


@pytest.mark.skipif(not _SECRETS, reason="shared data absent")
def test_the_corpus_is_masked_as_redaction_does() -> None:
    redactor = Redactor(("secret",))
    assert all(mask_secrets(one["text"]) == redactor.text(one["text"]) for one in _SECRETS)
