import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

const program = process.env.LOUPE_SERVER ?? new URL('../../../out/loupe-grpc-server', import.meta.url).pathname;

/** A port that is free now, outside the range from which the system gives ports to whoever asks for any: another test would take it in between. */
export async function freePort() {
    while (true) {
        const port = 12_000 + Math.floor(Math.random() * 18_000);
        const server = createServer().listen(port, '127.0.0.1');
        const isFree = await Promise.race([once(server, 'listening').then(() => true), once(server, 'error').then(() => false)]).catch(() => false);
        if (isFree) {
            server.close();
            return port;
        }
    }
}

/** The real server with the page at a port. */
export async function startServer(port, ...settings) {
    const child = spawn(
        program,
        ['serve', '--listen', 'http://127.0.0.1:0', '--operations', 'http://127.0.0.1:0', '--web', `http://127.0.0.1:${port}`, ...settings],
        { stdio: ['ignore', 'pipe', 'pipe'], detached: true },
    );
    let log = '';
    child.stderr.on('data', (text) => (log += text));
    const lines = createInterface({ input: child.stdout });
    const ready = await Promise.race([once(lines, 'line'), once(child, 'exit').then(() => ['ended'])]);
    if (!String(ready[0]).startsWith('ready')) {
        throw new Error(`the server did not start: ${log}`);
    }
    return {
        url: `http://127.0.0.1:${port}/`,
        async stop(signal = 'SIGTERM') {
            if (child.exitCode === null && child.signalCode === null) {
                const end = once(child, 'exit');
                process.kill(-child.pid, signal);
                await end;
            }
        },
    };
}
