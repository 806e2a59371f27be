"""A cancelled task cleans up, with awaits too; cancelling is forwarded to what it awaits; it may be ignored."""
import asyncio


async def inner():
    try:
        await asyncio.sleep(1)
    except asyncio.CancelledError:
        print("inner: cancelled, hangs up")
        await asyncio.sleep(0.01)
        print("inner: has hung up")
        raise


async def outer(task):
    try:
        await task
    finally:
        print("outer: leaves")


async def never():
    print("never printed")


async def ignores():
    try:
        await asyncio.sleep(1)
    except asyncio.CancelledError:
        print("ignores it")
    await asyncio.sleep(0.01)
    return "value"


async def with_std_exception():
    try:
        await asyncio.sleep(1)
    except Exception:
        print("never printed: CancelledError is not an Exception")


async def main():
    task = asyncio.create_task(inner())
    waiting = asyncio.create_task(outer(task))
    await asyncio.sleep(0.01)
    print("cancel", waiting.cancel())
    print("main goes on")
    try:
        await waiting
    except asyncio.CancelledError:
        print("main: both ended", task.cancelled(), waiting.cancelled())
    print("again", waiting.cancel())

    not_begun = asyncio.create_task(never())
    not_begun.cancel()
    await asyncio.sleep(0)
    print("not begun", not_begun.cancelled())

    goes_on = asyncio.create_task(ignores())
    await asyncio.sleep(0)
    goes_on.cancel()
    print(await goes_on, goes_on.cancelled())

    passes = asyncio.create_task(with_std_exception())
    await asyncio.sleep(0)
    passes.cancel()
    await asyncio.sleep(0)
    print("passes", passes.cancelled())


asyncio.run(main())
