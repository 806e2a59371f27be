"""A queue that keeps the newest readings: a full one drops the oldest. What micropython-async's RingbufQueue promises of
put_nowait, peek, get and full is made here of CPython's Queue; its put_nowait also raises IndexError when it drops."""
import asyncio


class RingbufQueue(asyncio.Queue):
    def put_nowait(self, item):
        dropped = self.full()
        if dropped:
            self._get()
        super().put_nowait(item)
        if dropped:
            raise IndexError

    def peek(self):
        if self.empty():
            raise IndexError
        return self._queue[0]

    def __aiter__(self):
        return self

    async def __anext__(self):
        return await self.get()


async def measure(readings):
    for n in range(10):
        try:
            readings.put_nowait(n)
        except IndexError:
            print("too slow at", n)
        await asyncio.sleep(0.01)


async def show(readings):
    async for reading in readings:
        print("reading", reading)
        if not readings.empty():
            print("next is", readings.peek())
        await asyncio.sleep(0.025)


async def main():
    readings = RingbufQueue(3)
    showing = asyncio.create_task(show(readings))
    await measure(readings)
    showing.cancel()
    print("left", readings.qsize())


asyncio.run(main())
