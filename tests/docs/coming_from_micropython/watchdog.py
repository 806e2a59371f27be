"""A link is dead when nothing has come for a second. Delay_ms is that of MicroPython's primitives, in short."""
import asyncio


class Delay_ms:
    def __init__(self, duration):
        self.duration, self.elapsed, self.timer = duration, asyncio.Event(), None

    def trigger(self):
        if self.timer:
            self.timer.cancel()
        self.elapsed.clear()
        self.timer = asyncio.get_running_loop().call_later(self.duration / 1000, self.elapsed.set)

    async def wait(self):
        await self.elapsed.wait()


async def listen(silence):
    for seconds in (0.3, 0.9, 0.8):
        await asyncio.sleep(seconds)
        print("a message")
        silence.trigger()


async def watch(silence):
    await silence.wait()
    print("the link is dead")


async def main():
    silence = Delay_ms(1000)
    silence.trigger()
    asyncio.create_task(listen(silence))
    await watch(silence)


asyncio.run(main())
