"""What was promised to one who waits: rouse keeps it for that one, CPython gives it to whoever asks first."""
import asyncio


async def getter(queue):
    print("getter: got", await queue.get())


async def user(lock):
    async with lock:
        print("user: has the lock")


async def waiter(condition):
    async with condition:
        await condition.wait()
        print("waiter: was notified, and has the lock")


async def main():
    queue = asyncio.Queue()
    waiting = asyncio.create_task(getter(queue))
    await asyncio.sleep(0.01)
    queue.put_nowait("first")
    try:
        print("main: got", queue.get_nowait())
    except asyncio.QueueEmpty:
        print("main: there is nothing for me")
    queue.put_nowait("second")
    await waiting

    lock = asyncio.Lock()
    await lock.acquire()
    waiting = asyncio.create_task(user(lock))
    await asyncio.sleep(0.01)
    lock.release()
    print("main: locked", lock.locked())
    await waiting

    condition = asyncio.Condition()
    waiting = asyncio.create_task(waiter(condition))
    await asyncio.sleep(0.01)
    async with condition:
        condition.notify()
    async with condition:
        print("main: has the lock again")
    await waiting


asyncio.run(main())
