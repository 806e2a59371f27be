"""Those who wait for an Event go on in the order in which they began, even if it is cleared before they run."""
import asyncio


async def waiter(name, event):
    await event.wait()
    print(name, "saw the event, which is", "set" if event.is_set() else "clear")


async def main():
    event = asyncio.Event()
    waiters = [asyncio.create_task(waiter(name, event)) for name in "abc"]
    await asyncio.sleep(0.01)
    waiters[1].cancel()
    waiters.append(asyncio.create_task(waiter("d", event)))
    await asyncio.sleep(0)
    print("set")
    event.set()
    event.clear()
    late = asyncio.create_task(waiter("late", event))
    await asyncio.sleep(0.01)
    print("set again")
    event.set()
    await late
    await event.wait()
    print("main did not wait")


asyncio.run(main())
