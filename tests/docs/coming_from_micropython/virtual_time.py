"""Runs a program under an asyncio whose clock jumps from deadline to deadline.

usage: virtual_time.py program.py
"""
import asyncio
import runpy
import selectors
import sys


class Loop(asyncio.SelectorEventLoop):
    def __init__(self):
        self.now = 0.0
        super().__init__(Selector(self))

    def time(self):
        return self.now

    def call_at(self, when, *args, **kwargs):
        return super().call_at(round(when, 6), *args, **kwargs)  # so that one instant is one number


class Selector(selectors.DefaultSelector):
    """Looks for input (a signal is input too); if there is none, time passes."""

    def __init__(self, loop):
        super().__init__()
        self.loop = loop

    def select(self, timeout=None):
        events = super().select(0)
        if not events and timeout is None:
            raise RuntimeError("all tasks wait for ever")
        if not events and timeout > 0:
            self.loop.now = round(self.loop.now + timeout, 6)
        return events


class Policy(asyncio.DefaultEventLoopPolicy):
    _loop_factory = Loop


asyncio.set_event_loop_policy(Policy())
runpy.run_path(sys.argv[1], run_name="__main__")
