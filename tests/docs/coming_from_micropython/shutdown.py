"""Ctrl-C: the workers are told, and have half a second to finish."""
import asyncio
import signal


async def worker(name, cleanup):
    try:
        while True:
            await asyncio.sleep(1)
    except asyncio.CancelledError:
        print(name, "was told")
    await asyncio.sleep(cleanup)
    print(name, "has finished")


async def main():
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, stop.set)
    workers = [asyncio.create_task(worker("quick", 0.1)), asyncio.create_task(worker("slow", 2))]
    loop.call_later(0.01, signal.raise_signal, signal.SIGINT)  # in place of Ctrl-C

    await stop.wait()
    print("stopping")
    for each in workers:
        each.cancel()
    try:
        await asyncio.wait_for(asyncio.gather(*workers), 0.5)
        print("all have finished")
    except asyncio.TimeoutError:
        print("did not wait for all")


asyncio.run(main())
