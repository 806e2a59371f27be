"""Patterns over C++ source: finds a piece of code by its tokens and replaces it.

White space and comments do not count, neither in the pattern nor in the source, so that reformatting a file or writing a
comment leaves every pattern as it was. `$name` in a pattern stands for one or more tokens, as few as possible, with its
brackets balanced; the same `$name` in the replacement is what it stood for. `$0` in the replacement is all that was found.

    find      if (before == asleep) $call;
    replace   static_cast<void>(before);
"""

import bisect
import collections
import difflib
import re

Token = collections.namedtuple("Token", "text begin end")

_TOKEN = re.compile(
    r"""
      (?P<blank>    \s+ | \\\n | //[^\n]* | /\*.*?\*/ )
    | (?P<raw>      (?:u8|[uUL])?R"(?P<delimiter>[^()\\\s]*)\(.*?\)(?P=delimiter)" )
    | (?P<string>   (?:u8|[uUL])?"(?:[^"\\\n]|\\.)*" )
    | (?P<char>     (?:u8|[uUL])?'(?:[^'\\\n]|\\.)+' )
    | (?P<variable> \$\w+ )
    | (?P<word>     [A-Za-z_]\w* )
    | (?P<number>   \.?\d(?:[eEpP][+-]|'?[\w.])* )
    | (?P<operator> <=> | ->\* | <<= | >>= | \.\.\. | :: | -> | \+\+ | -- | << | >> | <= | >= | == | != | && | \|\|
                  | \+= | -= | \*= | /= | %= | &= | \|= | \^= | \#\# | . )
    """,
    re.VERBOSE | re.DOTALL,
)

_OPENS = {"(": ")", "[": "]", "{": "}"}
_CLOSES = set(_OPENS.values())


class NoMatch(Exception):
    """The pattern is not in the source exactly once. The text says what was looked for and where it nearly is."""


def tokens(source):
    """The tokens of a C++ source, without white space and comments."""
    found = []
    for match in _TOKEN.finditer(source):
        if match.lastgroup != "blank" and match.group("blank") is None:
            found.append(Token(match.group(), match.start(), match.end()))
    return found


class Source:
    """A file's text, and its tokens."""

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.tokens = tokens(text)
        self._lines = [0] + [match.end() for match in re.finditer("\n", text)]

    def line_number(self, position):
        return bisect.bisect_right(self._lines, position)

    def line(self, number):
        begin = self._lines[number - 1]
        return self.text[begin : self.text.find("\n", begin) % (len(self.text) + 1)].strip()


class Match:
    """Where a pattern was found: positions in the text, and what its variables stand for."""

    def __init__(self, source, first, last, variables):
        self.begin = source.tokens[first].begin
        self.end = source.tokens[last - 1].end
        self.last = last  # the token after it
        self._values = {
            name: source.text[source.tokens[a].begin : source.tokens[b - 1].end] for name, (a, b) in variables.items()
        }
        self._values["$0"] = source.text[self.begin : self.end]

    def fill(self, replacement):
        """The replacement, with its variables replaced."""

        def value(match):
            if match.group() not in self._values:
                raise NoMatch(f"the replacement has {match.group()}, which the pattern does not have")
            return self._values[match.group()]

        return re.sub(r"\$\w+", value, replacement)


def _bracket_end(code, at):
    """The token after the bracket that opens at `at`, or None if it is never closed."""
    awaited = []
    for i in range(at, len(code)):
        text = code[i].text
        if text in _OPENS:
            awaited.append(_OPENS[text])
        elif text in _CLOSES:
            if not awaited or awaited.pop() != text:
                return None
            if not awaited:
                return i + 1
    return None


def _match_at(wanted, code, w, c, variables):
    """Matches wanted[w:] from code[c] on. Returns (the token after it, variables), or the number of tokens that fit."""
    best = w
    while w < len(wanted):
        text = wanted[w].text
        if not text.startswith("$"):
            if c >= len(code) or code[c].text != text:
                return None, max(best, w)
            w, c = w + 1, c + 1
            continue
        if text in variables:  # the same again
            a, b = variables[text]
            same = [token.text for token in code[a:b]]
            if [token.text for token in code[c : c + len(same)]] != same:
                return None, max(best, w)
            w, c = w + 1, c + len(same)
            continue
        end = c
        while True:
            if end >= len(code) or code[end].text in _CLOSES:
                return None, max(best, w)
            end = _bracket_end(code, end) if code[end].text in _OPENS else end + 1
            if end is None:
                return None, max(best, w)
            matched, rest = _match_at(wanted, code, w + 1, end, {**variables, text: (c, end)})
            if matched is not None:
                return matched, rest
            best = max(best, rest)
    return c, variables


def find_all(source, pattern, begin=0, end=None):
    """All matches of the pattern between two positions of the text, and how many of its tokens fitted at the best."""
    wanted = tokens(pattern)
    if not wanted:
        raise NoMatch("the pattern is empty")
    if wanted[0].text.startswith("$") or wanted[-1].text.startswith("$"):
        raise NoMatch(f"a pattern cannot begin or end with a variable: {pattern.strip()}")
    end = len(source.text) if end is None else end
    code = [token for token in source.tokens if token.end <= end]
    matches, fitted, at = [], 0, 0
    while at < len(code):
        if code[at].begin < begin or code[at].text != wanted[0].text:
            at += 1
            continue
        last, rest = _match_at(wanted, code, 0, at, {})
        if last is None:
            fitted = max(fitted, rest)
            at += 1
        else:
            matches.append(Match(source, at, last, rest))
            at = last
    return matches, fitted


def _nearest(source, pattern):
    """The line that looks most like the pattern."""
    wanted = [token.text for token in tokens(pattern)]
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)
    best, where, line = 0.0, None, 0
    for i, token in enumerate(source.tokens):
        if source.line_number(token.begin) == line:
            continue
        line = source.line_number(token.begin)
        matcher.set_seq1([other.text for other in source.tokens[i : i + len(wanted)]])
        if matcher.quick_ratio() > best and matcher.ratio() > best:
            best, where = matcher.ratio(), line
    return where


def find(source, pattern, within=None):
    """The one place where the pattern is; with `within`, in the brackets that follow this other pattern."""
    begin, end = 0, None
    if within is not None:
        scope = find(source, within)
        opening = next((i for i in range(scope.last, len(source.tokens)) if source.tokens[i].text == "{"), None)
        closing = _bracket_end(source.tokens, opening) if opening is not None else None
        if closing is None:
            raise NoMatch(f"no block follows `{_one_line(within)}` in {source.path}")
        begin, end = source.tokens[opening].begin, source.tokens[closing - 1].end
    matches, fitted = find_all(source, pattern, begin, end)
    if len(matches) == 1:
        return matches[0]
    where = f"{source.path}" + (f", in the block after `{_one_line(within)}`" if within else "")
    if matches:
        lines = ", ".join(str(source.line_number(match.begin)) for match in matches)
        raise NoMatch(f"found {len(matches)} times in {where} (lines {lines}): `{_one_line(pattern)}`")
    wanted = tokens(pattern)
    text = [f"not found in {where}: `{_one_line(pattern)}`"]
    if fitted:
        text.append(f"  it fits up to `{pattern[: wanted[fitted].begin].split(chr(10))[-1].strip()[-60:]}`,")
        text.append(f"  but then it wants `{wanted[fitted].text}`")
    nearest = _nearest(source, pattern)
    if nearest is not None:
        text.append(f"  nearest: {source.path}:{nearest}: {source.line(nearest)}")
    raise NoMatch("\n".join(text))


def _one_line(text):
    return " ".join(text.split())


def replace(source, edits):
    """The text with every edit made: (pattern, replacement, within). All are looked for in the text as it is."""
    places = []
    for pattern, replacement, within in edits:
        match = find(source, pattern, within)
        places.append((match.begin, match.end, match.fill(replacement), pattern))
    places.sort()
    for one, other in zip(places, places[1:]):
        if one[1] > other[0]:
            raise NoMatch(f"two edits overlap in {source.path}: `{_one_line(one[3])}` and `{_one_line(other[3])}`")
    result, at = [], 0
    for begin, end, text, _ in places:
        result += [source.text[at:begin], text]
        at = end
    return "".join(result) + source.text[at:]
