"""event_loop.py PORT|fds: asyncio, which makes its socket non-blocking after `bind` and accepts until nobody is left."""
import asyncio
import json
import os
import socket
import sys
import answering


async def answer(reader, writer):
    while (line := await reader.readline()):
        facts = {'said': line.decode().rstrip('\n'), 'peer': list(writer.get_extra_info('peername')[:2]), 'pid': os.getpid(), 'start': answering.START, 'result': None}
        writer.write((json.dumps(facts) + '\n').encode())
        await writer.drain()
    writer.close()


async def main():
    where = {'sock': socket.socket(fileno=3)} if sys.argv[1] == 'fds' else {'host': '0.0.0.0', 'port': int(sys.argv[1])}
    server = await asyncio.start_server(answer, **where)
    await server.serve_forever()


answering.end_on_sigterm()
asyncio.run(main())
