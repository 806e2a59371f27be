"""wait_for cancels what is late and waits for its cleanup; what comes too late for a get stays in the queue."""
import asyncio


async def answer(seconds):
    try:
        await asyncio.sleep(seconds)
        return 42
    finally:
        print("answer cleans up")


async def stubborn():
    try:
        await asyncio.sleep(1)
    except asyncio.CancelledError:
        print("stubborn goes on")
    await asyncio.sleep(0.01)
    return 7


async def main():
    print(await asyncio.wait_for(answer(0.01), 0.02))
    try:
        await asyncio.wait_for(answer(0.03), 0.02)
    except asyncio.TimeoutError:
        print("too late")

    queue = asyncio.Queue()
    try:
        await asyncio.wait_for(queue.get(), 0.01)
    except asyncio.TimeoutError:
        print("no item")
    queue.put_nowait("item")
    print(await asyncio.wait_for(queue.get(), 0.01))

    print(await asyncio.wait_for(stubborn(), 0.01))

    task = asyncio.create_task(answer(1))
    try:
        await asyncio.wait_for(task, 0.01)
    except asyncio.TimeoutError:
        print("too late,", "cancelled" if task.cancelled() else "not cancelled")

    outer = asyncio.create_task(asyncio.wait_for(answer(1), 0.5))
    await asyncio.sleep(0.01)
    outer.cancel()
    try:
        await outer
    except asyncio.CancelledError:
        print("cancelled from outside")


asyncio.run(main())
