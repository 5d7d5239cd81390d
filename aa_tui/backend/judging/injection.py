"""Hints that a text wants to steer whoever judges it: a mark on a session for people to look at, never a verdict.

A hint is cheap and can be wrong both ways; what protects a verdict is the form of the prompt and the checking of its
evidence. Every pattern is bounded, and one is tried only where a word it cannot do without stands in the text.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterable
from functools import cache

from aa_tui.backend.model.transcript import Transcript

OVERRIDE = "tells to ignore instructions"
ADDRESSED = "speaks to a judge"
DEMANDS = "demands a verdict"
FORGED = "forges a verdict"
TEMPLATE = "forges a turn or an end of the record"
RUBRIC = "changes the rubric"
EXTRACTS = "asks for the prompt"
CLAIMS = "claims to meet the criteria"
HIDDEN = "hides text"
EMPTY = "says nothing that could be judged"

_JUDGE = r"(?:grader|evaluator|judge|rater|scorer|assessor|auto-?grader)"
_AUTOMATIC = r"(?:ai|a\.i\.|llm|language|automated|automatic|judging|grading|evaluation|evaluator|gpt\S{0,8})"
_RULES = (
    r"(?:instructions?|guidance|prompts?|rules?|rubrics?|guidelines?|directions?|directives?|criteria|constraints?)"
)
_EARLIER = (
    r"(?:previous|prior|above|earlier|preceding|former|foregoing|original|initial|all (?:of )?(?:the|your|these))"
)
_SCORE = r"(?:score|rating|grade|mark|verdict|points?|stars?)"
_JUDGED = r"(?:session|conversation|transcript|interaction|response|answer|agent|assistant|run|dialog(?:ue)?)"
_KEYS = "score|rating|grade|labels?|detected|verdict"
_SIGNALS = "task_completion|response_quality|session_safety|user_intent|user_friction|negative_feedback|session_outcome"
_BEST = r"(?:full|maximum|max|highest|top|perfect|best|passing|excellent|outstanding|flawless)"

_PATTERNS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        OVERRIDE,
        ("ignore", "disregard", "forget", "override", "overrule", "bypass", "not follow", "n't follow"),
        rf"\b(?:ignore|disregard|forget|override|overrule|bypass|(?:do not|don.t) follow)\s"
        rf"(?:(?:\w+\s){{0,3}}?{_EARLIER}\s(?:\w+\s){{0,3}}?{_RULES}\b|(?:\w+\s){{0,2}}?(?:your|these|those)\s"
        rf"(?:\w+\s){{0,2}}?(?:{_RULES})\b|(?:all|everything|anything|what|whatever)\s(?:\w+\s){{0,3}}?"
        rf"(?:above|before this|said so far|you were told)\b|the\s(?:above|preceding)\s(?:text|messages?|context|"
        rf"conversation|transcript)\b)",
    ),
    (
        OVERRIDE,
        (
            *("anweisung", "regeln", "vorgaben", "instructions", "instrucciones", "instruções", "istruzioni"),
            *("инструкци", "指令", "指示", "提示", "规则", "規則", "说明", "命令", "ルール"),
        ),
        r"\b(?:ignorier\w{0,3}|missacht\w{0,3}|vergiss)\s(?:\w+\s){0,3}(?:anweisung|regel|vorgabe)\w{0,3}"
        r"|\b(?:ignore[zr]?|oublie[zr]?)\s(?:\w+\s){0,2}instructions\s(?:pr[eé]c[eé]dentes|ci-dessus|ant[eé]rieures)"
        r"|\b(?:ignor[ae]|olvid[ae])\s(?:\w+\s){0,3}(?:instrucciones|instruções|istruzioni)"
        r"|(?:忽略|无视|忘记|忽視|無視).{0,12}(?:指令|指示|提示|规则|規則|说明)|(?:指示|命令|ルール).{0,6}(?:無視|忘れ)"
        r"|(?:игнорируй|забудь)\w{0,3}\s(?:\w+\s){0,3}инструкци",
    ),
    (
        ADDRESSED,
        ("grade", "evaluat", "judge", "rater", "rates", "score", "assessor", "reviewer"),
        rf"\b(?:dear|hello|hi|hey|attention|attn)[\s,:]{{1,3}}(?:the\s)?(?:{_AUTOMATIC}\s)?"
        rf"(?:{_JUDGE}|reviewer model)\b"
        rf"|\b(?:note|message|notice|hint|reminder|instructions?)\s(?:to|for)\s(?:the\s|any\s|all\s|an?\s)?"
        rf"(?:{_AUTOMATIC}\s)?(?:{_JUDGE}s?\b(?!\.\w)|reviewer\s(?:model|llm|ai))"
        rf"|\b(?:if|since|as|because)\syou\s?(?:are|.re)\s(?:an?|the)\s(?:{_AUTOMATIC}\s)(?:model\s)?"
        rf"(?:{_JUDGE}|reviewer)\b"
        rf"|\byou are now\s(?:the|a|an)\s(?:{_AUTOMATIC}\s)?{_JUDGE}\b"
        rf"|\bas\s(?:an?|the)\s{_AUTOMATIC}\s(?:model\s)?{_JUDGE},?\syou\b"
        rf"|\b(?:if you are|you are)\s(?:the|a|an)\s{_JUDGE}\b.{{0,80}}\b(?:must|should|score|pass|award|safe)\b"
        rf"|\b(?:base64|encoded|hidden|secret)\b.{{0,30}}\bfor\sthe\s(?:{_AUTOMATIC}\s)?{_JUDGE}\b"
        rf"|\b(?:ai|llm|automated)\s(?:{_JUDGE}|reviewer)s?\s?[:,]\s?(?:please|you|the|this|ignore|score|mark|rate)\b"
        rf"|\b(?:{_JUDGE}s?|reviewer(?: model)?|gpt|chatgpt|claude|gemini)\b[,:]?\s"
        rf"(?:\w+\s){{0,3}}?(?:must not|should not|"
        rf"must|shall|will say|please|note that|treat this)\s(?:\w+\s){{0,5}}?(?:penali[sz]e|punish|fail|ignore|pass|"
        rf"session|conversation|transcript|ticket|agent|resolved|score|rate|mark)\b"
        rf"|\b(?:when|while|before|in|for)\s(?:evaluating|grading|judging|scoring|rating|assessing)\s"
        rf"(?:this|the)\s{_JUDGED}\b"
        rf"|\b(?:act|behave)\s(?:as|like)\s(?:an?|the)\s(?:\w+\s){{0,2}}?{_JUDGE}\b|\bas\s(?:the\s)?(?:{_JUDGE}),\syou\b"
        rf"|\b(?:evaluates|grades|judges|scores|rates|evaluating|grading|judging)\sth(?:is|e)\s(?:conversation|session|"
        rf"transcript|interaction)\b"
        rf"|\b(?:whoever|whichever|anyone who)\s(?:\w+\s)?(?:evaluates|grades|judges|scores|rates)\b"
        rf"|(?:^|\n)\s{{0,3}}(?:assistant|ai|system|model)\s?\((?:{_JUDGE}|reviewer)\)\s?:",
    ),
    (
        DEMANDS,
        (
            *("score", "rating", "grade", "rate ", "verdict", "always pass", "mark", "detect", "points", "stars"),
            *("task_completion", "response_quality", "session_safety", "user_intent", "_feedback", "_friction"),
            *("session_outcome", "answer ", "classify", "deserve", "this session", "this conversation"),
        ),
        rf"\b(?:output|return|give|assign|award|report|emit|respond with|answer with|reply with)\s(?:\w+\s){{0,4}}?"
        rf"(?:an?\s|the\s)?(?:{_BEST}\s)?(?:{_SCORE}\s(?:of\s)?(?:[0-9]|{_BEST})|{_BEST}\s{_SCORE}s?\b)"
        rf"|\b(?:rate|score|grade|mark|evaluate|judge)\s(?:it|me|this|(?:this|the)\s{_JUDGED})\s"
        rf"(?:as\s|with\s|at\s)?(?:an?\s)?(?:[0-9]{{1,3}}(?:\s?/\s?[0-9]{{1,3}}|\sout of|\W|$)"
        rf"|{_BEST}\s(?:{_SCORE}|quality)"
        rf"|pass(?:ed)?\b(?!\s?\w)|(?:successful|correct|resolved|safe)\b)"
        rf"|\b(?:verdict|detected|evaluation|assessment|score|grade|rating)\s(?:must|has to|should|shall|needs to)\s"
        rf"(?:always\s)?be\s(?:true|false|pass\w*|fail\w*|[0-9]|{_BEST}|positive|safe)"
        rf"|\balways\s(?:pass\b(?!\s?[\w`'\"(\[{{$-])|pass\s(?:this|it|the\s{_JUDGED})\b"
        rf"|(?:score|rate|grade|give)\s(?:\w+\s){{0,3}}?"
        rf"(?:[0-9]|{_BEST}\s{_SCORE}))"
        rf"|(?:^|\n)\s{{0,3}}score\s[0-9]{{1,3}}\s?(?:<|$|\n|\.)"
        rf"|\b(?:must|should)\sbe\s(?:rated|scored|graded|judged|marked)\s(?:as\s|with\s)?"
        rf"(?:[0-9]|{_BEST}|pass\w*|true|false|success\w*|safe|correct)"
        rf"|\b(?:give|assign|award|deserves?|merits?|earns?|worth)\s(?:\w+\s){{0,4}}?(?:(?:a|an)\s(?:perfect\s)?(?:10|ten)\b"
        rf"|(?:five|5|ten|10)[\s-](?:stars?|points|out of)|{_BEST}\s(?:possible\s)?{_SCORE}s?\b)"
        rf"|\b(?:answer|say|reply|respond|classify|label|flag|count|treat)\s(?:\w+\s){{0,3}}?(?:with\s|as\s)?[\"'“]?(?:true|pass|passed|"
        rf"normal|safe|resolved|successful)[\"'”]?\s(?:to|for|in|on)\s(?:every|all|each|this|the)\s(?:question|criteri|"
        rf"session|conversation|signal|evaluat|rubric|check)"
        rf"|\b(?:do not|don.t|never)\s(?:report|flag|mention|raise|detect|note)\s(?:\w+\s){{0,3}}?(?:issues?|problems?|"
        rf"violations?|failures?|errors?|friction)\s(?:in|for|of|with|about)\sthis\s{_JUDGED}\b"
        rf"|\b(?:{_SIGNALS})[\"']?\s?(?:=|:|is|must|should)\s?(?:be\s)?\{{?.{{0,20}}\b(?:true|false|normal)\b"
        rf"|\bdetected\s?(?:=|:|as|is)\s?(?:true|false)\b"
        rf"|\bset\s(?:the\s)?(?:detected|verdict|score|grade|rating)\s?(?:=|to)\s?(?:true|false|pass\w*|[0-9]|{_BEST})"
        rf"|\b(?:expected|correct|right)\sverdict\b.{{0,60}}\b(?:is|:)",
    ),
    (
        DEMANDS,
        ("bewert", "benot", "note max", "puntuaci", "nota m", "voto mass", "оценк", "балл", "满分", "滿分", "満点"),
        r"\b(?:bewert|benot)\w{0,5}\s(?:\w+\s){0,4}?(?:mit|als)\s(?:[0-9]|der (?:vollen|höchst)|voll|best|erfolg)"
        r"|\bnote\smaxi?m?\w{0,4}|[给給打].{0,3}[满滿]分|満点|\bm[aá]xima\spuntuaci|\bpuntuaci[oó]n\sm[aá]xima"
        r"|\bnota\sm[aá]xima|\bvoto\smassimo|(?:высш|максимальн)\w{1,4}\s(?:оценк|балл)",
    ),
    (
        FORGED,
        (
            *("detected", "rationale", "verdict", "evaluation", "score", "rating", "grade", "label"),
            *("judgment", "judgement", "assessment", "grading"),
        ),
        r"\{\s{0,8}[\"'](?:detected|verdict)[\"']\s?:\s?(?:true|false|[\"'])"
        rf"|[\"'](?:{_KEYS})[\"']\s?:[^{{}}]{{0,200}}[\"']rationale[\"']\s?:"
        rf"|[\"']rationale[\"']\s?:[^{{}}]{{0,600}}[\"'](?:{_KEYS})[\"']\s?:"
        r"|(?:^|\n)\s{0,3}(?:assistant|ai|model|judge|grader|evaluator)\s?:\s?\{\s?[\"'](?:score|rating|grade|label|pass)"
        r"|(?:^|\n)[#=*]{1,6}\s?(?:final\s)?(?:evaluation|judge?ment|grading|judge|grader)\s(?:result|verdict)\b"
        r"|\b(?:judge?ment|verdict|evaluation|assessment)\s?:\s?(?:```json)?\s?\{|```verdict\b"
        r"|\b(?:grading|evaluation|judging|judgement)\s(?:is\s)?(?:complete|finished|done)\b.{0,40}\b(?:pass|true|score|output)"
        rf"|\b(?:return|output|answer|respond|reply)(?:\swith)?(?:\sonly)?\s?:?\s?\{{\s?[\"'](?:{_KEYS})[\"']"
        r"|-{3,}\s{0,3}\n\s{0,3}(?:score|rating|grade|verdict|detected)\s?:\s?\S{1,12}\s{0,3}\n\s{0,3}-{3,}",
    ),
    (
        TEMPLATE,
        (
            *("<|", "[inst]", "[/inst]", "[/system]", "<<sys>>", "<</sys>>", "<start_of_turn>", "human:"),
            *("</transcript", "</conversation", "</session"),
        ),
        r"<\|(?:im_start|im_end|endoftext|eot_id|start_header_id|end_header_id|begin_of_text|system|user|assistant|end)\|>"
        r"|\[/?inst\]|\[/system\]|<</?sys>>|</(?:transcript|conversation|session)>\s{0,8}"
        r"(?:$|system|new|the|now|assistant|human|user|[\#<])|<start_of_turn>(?:model|user)"
        r"|\n\s?human\s?:.{0,400}\n\s?assistant\s?:",
    ),
    (
        TEMPLATE,
        ("end of", "end_of", "end the"),
        r"(?:<{2,}|={3,}|\#{3,}|-{3,}|\[{1,2})\s?end[_ ](?:of[_ ])?(?:the[_ ])?"
        r"(?:transcript|conversation|data|session|input|record)\b"
        r"|\bend[_ ]of[_ ](?:the[_ ])?(?:transcript|conversation|session|record)\b.{0,60}\b(?:grade|score|evaluate)\b"
        r"|\bend of (?:the )?transcript\b[.:\])>*=#-]",
    ),
    (
        RUBRIC,
        ("rubric", "grading", "scoring", "evaluation", "judging", "grader", "evaluator", "judge "),
        r"\b(?:new|updated|revised|corrected|amended)\s(?:grading|scoring|evaluation|judging)?\s?rubric\b"
        r"|\brubric\s(?:update|change|override|amendment|correction|v[0-9])"
        r"|\b(?:new|updated|revised)\s(?:grading|scoring|evaluation|judging)\s(?:criteria|instructions|rules|guidelines)\s?:"
        r"|\brubric\s(?:is|was)\s(?:now\s)?(?:void|obsolete|replaced|superseded|cancelled|outdated)"
        r"|\b(?:ignore|disregard|forget|skip|not follow|n.t follow|n.t apply)\s(?:the\s|your\s|this\s)?rubric\b"
        r"|\bthe rubric\s(?:has changed|was changed|is wrong|does not apply|no longer applies)"
        rf"|(?:^|\n|[\[(]|\.\s)(?:grading|scoring|judging|{_JUDGE})\s"
        rf"(?:note|hint|instructions?|guidance|override|key)s?\s?(?:\w+\s?)?:"
        r"|\bfor\s(?:evaluation|grading|scoring)\spurposes\b.{0,80}\b(?:assume|treat|consider|score|count|mark)\b",
    ),
    (
        EXTRACTS,
        ("prompt", "instructions", "rubric"),
        rf"\b(?:repeat|print|reveal|show me|output|leak|disclose|recite|tell me)\s(?:\w+\s){{0,3}}?"
        rf"(?:your|the)\s(?:\w+\s){{0,2}}?(?:system prompt|hidden {_RULES}|initial {_RULES}|rubric|"
        rf"(?:system|original|secret|internal) (?:instructions|prompt))\b",
    ),
    (
        CLAIMS,
        ("criteria",),
        r"\ball\s(?:of\s)?(?:the\s|your\s)?(?:evaluation|grading|judging|scoring|rubric|acceptance)\scriteria\s"
        r"(?:are|were|have been|has been|is)\s(?:fully\s|now\s|all\s)?(?:met|satisfied|fulfilled|passed)",
    ),
)  # fmt: skip


@cache
def _compiled() -> tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...]:
    """Built when first needed: compiling takes as long as the program's start may."""
    return tuple((name, words, re.compile(text, re.DOTALL | re.MULTILINE)) for name, words, text in _PATTERNS)


_NOTHING = re.compile(
    r"[:.,;!?\-–—…·*#`'\"]{1,3}|(?:thought process|solution|reasoning|answer|解|かいせつ|respuesta|lösung)\s?[:.]?"
    r"|let.s (?:solve|think about|work through) (?:this|the)(?: problem| question)?,? step by step[.:]?"
)
"""Whole answers that made judges pass by themselves: nothing but a mark, or an opening phrase."""
_BIDI_OVERRIDE = re.compile("[\u202d\u202e]")
_TAGS = re.compile("[\U000e0020-\U000e007f]+")
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,8}\U000e007f")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{3,}")
_ZERO_WIDTH = re.compile("[\u200b\u200c\u200d\u2060-\u2064\ufeff]{8,}")
_BETWEEN_LETTERS = re.compile("(?<=[A-Za-z])[\u200b\u200c\u200d\u2060-\u2064\u00ad\ufeff](?=[A-Za-z])")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e01ef\ufe00-\ufe0f]")
_BLANKS = re.compile(r"[^\S\n]+")
_STYLED = re.compile("[\u2100-\u214f\u2460-\u24ff\uff01-\uff5e\U0001d400-\U0001d7ff\U0001f110-\U0001f189]")
"""Letters in other dress, which mean the same."""
_ALIKE, _LATIN_ALIKE = "аеорсхіѕο", "aeopcxiso"
_MIXED = re.compile(f"[A-Za-z][{_ALIKE}]|[{_ALIKE}][A-Za-z]")
_LATIN = str.maketrans(_ALIKE, _LATIN_ALIKE)
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/=_\-])[A-Za-z0-9+/]{16,400}+={0,2}+(?![A-Za-z0-9+/=])")
_MOST_DECODED = 50
_FEWEST_BETWEEN = 3
"""Invisible characters between letters; one is a soft hyphen or a slip of some editor."""
_BETWEEN = "\n\x00\n"
"""Between texts that are looked at together: no phrase goes on across it."""
_LONGEST = 1_000_000
"""Characters that are looked at, half of them from the end."""
_LONGEST_NOTHING = 60
_REACH = 700
"""Characters around a word in which a pattern is looked for; none reaches further."""
_STRIDE = 100
"""A word that stands again so soon is in reach already."""


def injection_hints(text: str) -> tuple[str, ...]:
    """Return what in one text looks as if it was written for a judge, as short words, each once; usually nothing."""
    found = dict.fromkeys(_hints(text))
    if len(text) <= _LONGEST_NOTHING and _NOTHING.fullmatch(text.lower().strip()):
        found[EMPTY] = None
    return tuple(found)


def transcript_hints(transcript: Transcript) -> tuple[tuple[int, str], ...]:
    """Return (number of the passage, hint) for a whole session.

    An answer that says nothing is a hint only as the session's last; in between, people, tools and agents say as
    little every day.
    """
    found: dict[tuple[int, str], None] = {}
    # All of it at once first: in most sessions there is nothing, and one look is quicker than many.
    texts = [text for one in transcript.passages for text in (one.text, one.input, one.error) if text]
    if _hints(_BETWEEN.join(texts)):
        for one in transcript.passages:
            for text in (one.text, one.input, one.error):
                if text:
                    found |= dict.fromkeys((one.no, hint) for hint in _hints(text))
    last = next((one for one in reversed(transcript.passages) if one.role == "assistant"), None)
    if last is not None and EMPTY in injection_hints(last.text[: _LONGEST_NOTHING + 1]):
        found[last.no, EMPTY] = None
    return tuple(found)


def _hints(text: str) -> list[str]:
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]}{_BETWEEN}{text[-_LONGEST // 2 :]}"
    found: dict[str, None] = {}
    if not text.isascii():
        text = _unhidden(text, found)
    found |= dict.fromkeys(_phrases(text.lower()))
    if any(True for decoded in _decoded(text) for _ in _phrases(decoded)):
        found[HIDDEN] = None
    return list(found)


def _phrases(plain: str) -> Iterable[str]:
    """Yield the names of patterns found in a text of small letters."""
    for name, triggers, pattern in _compiled():
        for start, end in _around(plain, triggers):
            if pattern.search(_BLANKS.sub(" ", plain[start:end])) is not None:
                yield name
                break


def _around(plain: str, triggers: Iterable[str]) -> list[tuple[int, int]]:
    """Return the pieces of a text in which a pattern can match: around each word that it cannot do without."""
    if len(plain) <= 2 * _REACH:
        return [(0, len(plain))] if any(word in plain for word in triggers) else []
    places: list[int] = []
    for word in triggers:
        at = plain.find(word)
        while at >= 0:
            places.append(at)
            at = plain.find(word, at + _STRIDE)
    pieces: list[tuple[int, int]] = []
    for at in sorted(places):
        start, end = max(at - _REACH, 0), at + _REACH
        if pieces and start <= pieces[-1][1]:
            pieces[-1] = (pieces[-1][0], end)
        else:
            pieces.append((start, end))
    return pieces


def _unhidden(text: str, found: dict[str, None]) -> str:
    """Return a text as a model reads it, without what cannot be seen; note where something is hidden in it."""
    said = ""
    if _INVISIBLE.search(text) is not None:
        said = "".join(chr(ord(char) - 0xE0000) for run in _TAGS.findall(_FLAG.sub("", text)) for char in run)
        if (
            said
            or _BIDI_OVERRIDE.search(text)
            or _SELECTORS.search(text)
            or _ZERO_WIDTH.search(text)
            or len(_BETWEEN_LETTERS.findall(text)) >= _FEWEST_BETWEEN
        ):
            found[HIDDEN] = None
        text = _INVISIBLE.sub("", text)
    if _STYLED.search(text) is not None:
        text = unicodedata.normalize("NFKC", text)
    if _MIXED.search(text) is not None:
        said += "\n" + text.lower().translate(_LATIN)
    return f"{text}\n{said}" if said else text


def _decoded(text: str) -> Iterable[str]:
    """Yield what words in Base64 say, where they say something in letters."""
    for number, match in enumerate(_BASE64.finditer(text)):
        if number >= _MOST_DECODED:
            return
        word = match.group().rstrip("=")
        try:
            raw = base64.b64decode(word + "=" * (-len(word) % 4), validate=True)
        except (binascii.Error, ValueError):
            continue
        if len(raw) >= 12 and all(32 <= code < 127 or code in (9, 10, 13) for code in raw):
            yield raw.decode("ascii").lower()
