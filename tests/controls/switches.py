"""Several faults in one build, each of which can be switched on when the program runs.

A function in which faults make changes becomes

    { if (fault_switch::on(1)) { the body with fault 1 } else if (fault_switch::on(2)) { ... } else { the body } }

so what costs most, the compiler, runs once for many faults. A fault that changes something outside of functions cannot
be switched, and has to be built on its own.
"""

import pattern

_TYPES = {"namespace", "class", "struct", "union", "enum"}


def _is_scope(tokens, opening):
    """Whether the brace opens a namespace or a type, by the words in front of it."""
    words, at = [], opening - 1
    while at >= 0 and tokens[at].text not in (";", "{", "}"):
        words.append(tokens[at].text)
        at -= 1
    words.reverse()
    while "template" in words:  # template <class T>: the `class` in there opens nothing
        begin = end = words.index("template")
        depth = 0
        for end in range(begin + 1, len(words)):
            depth += words[end].count("<") - words[end].count(">")
            if depth <= 0:
                break
        del words[begin : end + 1]
    return "(" not in words and not _TYPES.isdisjoint(words)


def function_around(source, begin, end):
    """The body of the function that these positions are in, as positions of the text in its braces; or None."""
    open_braces = []
    for i, token in enumerate(source.tokens):
        if token.begin >= begin:
            break
        if token.text == "{":
            open_braces.append(i)
        elif token.text == "}" and open_braces:
            open_braces.pop()
    for opening in open_braces:
        if _is_scope(source.tokens, opening):
            continue
        closing = pattern._bracket_end(source.tokens, opening)
        if closing is None or source.tokens[closing - 1].begin < end:
            return None
        return source.tokens[opening].end, source.tokens[closing - 1].begin
    return None


def can_be_switched(source, edits):
    """Whether all the places of a fault are in functions."""
    return all(
        function_around(source, match.begin, match.end)
        for match in (pattern.find(source, find, within) for find, _, within in edits)
    )


def switched(source, faults):
    """The text with all these faults, {number: edits}, each of which can_be_switched()."""
    bodies = {}  # (begin, end) -> {number: its changes}
    for number, edits in faults.items():
        for find, replacement, within in edits:
            match = pattern.find(source, find, within)
            body = function_around(source, match.begin, match.end)
            changes = bodies.setdefault(body, {}).setdefault(number, [])
            changes.append((match.begin, match.end, match.fill(replacement)))
    text = source.text
    for (begin, end), by_number in sorted(bodies.items(), reverse=True):
        parts = []
        for number, changes in sorted(by_number.items()):
            body = source.text[begin:end]
            for first, last, replacement in sorted(changes, reverse=True):
                body = body[: first - begin] + replacement + body[last - begin :]
            parts.append(f"if (::fault_switch::on({number})) {{{body}\n}} else ")
        text = f"{text[:begin]} {''.join(parts)}{{{source.text[begin:end]}\n}} {text[end:]}"
    return text
