"""A task that cancels one that awaits it: CPython cancels the task itself, even if it ends without another await."""
import asyncio


async def boss(tasks):
    await asyncio.sleep(0.01)
    print("boss cancels who awaits it")
    tasks["worker"].cancel()
    print("boss returns")
    return 1


async def worker(tasks):
    await tasks["boss"]


async def main():
    tasks = {}
    for name, f in [("boss", boss), ("worker", worker)]:
        tasks[name] = asyncio.create_task(f(tasks))
    await asyncio.gather(*tasks.values(), return_exceptions=True)
    print("boss", "cancelled" if tasks["boss"].cancelled() else "returned")
    print("worker", "cancelled" if tasks["worker"].cancelled() else "returned")


asyncio.run(main())
