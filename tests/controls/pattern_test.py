#!/usr/bin/env python3
"""Tests of pattern.py and switches.py."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import pattern  # noqa: E402
import switches  # noqa: E402

CODE = """\
// A comment with wake(); in it.
void send(Item& item) noexcept {
    const auto before = word_.exchange(address(item),
                                       std::memory_order_acq_rel); // pairs with take()
    if (before == asleep) port_.wake();
    log("a string; with wake();");
}
void close() noexcept {
    if (before == asleep) other_.wake();
}
"""


def changed(find, replace, within=None):
    return pattern.replace(pattern.Source("code.hpp", CODE), [(find, replace, within)])


class Finding(unittest.TestCase):
    def test_layout_and_comments_do_not_count(self):
        text = changed("word_ . exchange( address(item), std::memory_order_acq_rel );", "0;")
        self.assertIn("const auto before = 0; // pairs with take()", text)

    def test_tokens_are_matched_whole(self):
        with self.assertRaises(pattern.NoMatch):
            changed("ord_.exchange", "x")

    def test_neither_strings_nor_comments_are_searched(self):
        self.assertIn("if (port) x();", pattern.replace(pattern.Source("f", 'f("wake();"); /* wake(); */ if (port) wake();'),
                                                        [("wake();", "x();", None)]))

    def test_a_variable_stands_for_balanced_tokens(self):
        self.assertIn("before = load($)".replace("$", "address(item)"),
                      changed("word_.exchange($item, std::memory_order_acq_rel)", "load($item)"))

    def test_a_variable_does_not_leave_its_brackets(self):
        with self.assertRaises(pattern.NoMatch):
            changed("send($all) noexcept { log", "x")

    def test_a_variable_twice_stands_for_the_same(self):
        self.assertEqual(pattern.find_all(pattern.Source("f", "(a, b) (c, c)"), "($a, $a)")[0][0].begin, 7)

    def test_all_that_was_found_can_be_kept(self):
        self.assertIn("first(); port_.wake();", changed("port_.wake();", "first(); $0"))

    def test_a_block_can_be_named(self):
        text = changed("if (before == asleep) $object.wake();", "", within="void close()")
        self.assertIn("port_.wake();", text)
        self.assertNotIn("other_.wake();", text)

    def test_raw_strings_and_separated_digits_are_tokens(self):
        self.assertEqual([token.text for token in pattern.tokens("R\"x(a)\" b)x\" 1'000 'a' u8\"s\" a->*b")],
                         ["R\"x(a)\" b)x\"", "1'000", "'a'", "u8\"s\"", "a", "->*", "b"])


class Errors(unittest.TestCase):
    def error(self, *arguments):
        with self.assertRaises(pattern.NoMatch) as caught:
            changed(*arguments)
        return str(caught.exception)

    def test_a_pattern_that_fits_no_more_names_the_nearest_line(self):
        text = self.error("if (before == sleeping) port_.wake();", "")
        self.assertIn("not found in code.hpp: `if (before == sleeping) port_.wake();`", text)
        self.assertIn("it fits up to `if (before ==`", text)
        self.assertIn("but then it wants `sleeping`", text)
        self.assertIn("nearest: code.hpp:5: if (before == asleep) port_.wake();", text)

    def test_a_pattern_that_fits_twice_names_the_lines(self):
        self.assertIn("found 2 times in code.hpp (lines 5, 9)", self.error("if (before == asleep)", ""))

    def test_a_block_that_is_not_there(self):
        self.assertIn("not found in code.hpp: `void open()`", self.error("asleep", "", "void open()"))

    def test_an_unknown_variable(self):
        self.assertIn("the replacement has $other", self.error("port_.wake();", "$other"))

    def test_edits_that_overlap(self):
        with self.assertRaisesRegex(pattern.NoMatch, "overlap"):
            pattern.replace(pattern.Source("f", "a b c"), [("a b", "", None), ("b c", "", None)])

    def test_an_empty_pattern(self):
        self.assertIn("empty", self.error(" // nothing", ""))

    def test_a_pattern_that_begins_with_a_variable(self):
        self.assertIn("cannot begin or end with a variable", self.error("$a.wake()", ""))


CLASSES = """\
namespace rouse {
template <class T> class Slot {
public:
    explicit Slot(int size) : size_{size}, next_{0} { look(); }
    [[nodiscard]] bool put(T value) noexcept {
        if (full()) return false; // no room
        rouse_other();
        return true;
    }
private:
    struct Guard { ~Guard() { leave(); } };
    int size_ = 0;
};
}
"""


class Switching(unittest.TestCase):
    def setUp(self):
        self.source = pattern.Source("slot.hpp", CLASSES)

    def test_a_body_with_two_faults(self):
        text = switches.switched(self.source, {3: [("rouse_other();", "", None)], 5: [("full()", "false", None)]})
        body = text[text.index("put(T value) noexcept {") : text.index("private:")]
        self.assertEqual(body.count("if (full()) return false; // no room"), 2)
        self.assertEqual(body.count("if (false) return false; // no room"), 1)
        self.assertEqual(body.count("rouse_other();"), 2)
        self.assertLess(body.index("fault_switch::on(3)"), body.index("fault_switch::on(5)"))
        self.assertEqual(text.count("{"), text.count("}"))

    def test_a_fault_in_two_functions(self):
        edits = [("look();", "", None), ("leave();", "look();", None)]
        self.assertEqual(switches.switched(self.source, {1: edits}).count("fault_switch::on(1)"), 2)

    def test_the_code_as_it_is_stays(self):
        text = switches.switched(self.source, {1: [("look();", "", None)]})
        self.assertIn("else { look(); \n} }", text)

    def test_what_is_in_no_function_cannot_be_switched(self):
        self.assertFalse(switches.can_be_switched(self.source, [("int size_ = 0;", "int size_ = 1;", None)]))
        self.assertFalse(switches.can_be_switched(self.source, [("~Guard() { leave(); }", "", None)]))
        self.assertTrue(switches.can_be_switched(self.source, [("leave();", "", None)]))


if __name__ == "__main__":
    unittest.main()
