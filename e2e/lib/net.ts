import { createSocket } from 'node:dgram';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

/** Ports that were free a moment ago. Kept apart from each other, so that one server can have several. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(createServer())));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

/**
 * A port for media: free for datagrams and TCP, and the next one too, because the second worker takes it. Below those that the system hands
 * out to browsers, so that none of them takes it before the server does.
 */
export async function freeMediaPort(): Promise<number> {
  for (let tries = 0; tries < 50; tries++) {
    const port = 20_000 + 2 * Math.floor(Math.random() * 6_000);
    if ((await Promise.all([port, port + 1].map(isFree))).every(Boolean)) return port;
  }
  throw new Error('no free pair of ports for media between 20000 and 32000');
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const socket = createSocket('udp4');
  try {
    await listen(server, port);
    await new Promise<void>((done, fail) => socket.once('error', fail).bind(port, '127.0.0.1', done));
    return true;
  } catch {
    return false;
  } finally {
    if (server.listening) await new Promise((done) => server.close(done));
    await new Promise<void>((done) => {
      try {
        socket.close(done);
      } catch {
        done();
      }
    });
  }
}

export async function listen(server: Server, port = 0, address = '127.0.0.1'): Promise<Server> {
  await new Promise<void>((done, fail) => server.once('error', fail).listen(port, address, done));
  return server;
}

/** A wire between clients and one port that a test can cut and mend. While cut, connections are refused with a reset. */
export class Wire {
  private sockets = new Set<Socket>();
  private whole = true;
  /** Connections that clients have asked for so far. */
  attempts = 0;

  private constructor(private server: Server, private target: number) {
    server.on('connection', (socket) => this.carry(socket));
  }

  static async to(target: number): Promise<Wire> {
    const server = createServer();
    const wire = new Wire(server, target);
    await listen(server);
    return wire;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  cut(): void {
    this.whole = false;
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  mend(): void {
    this.whole = true;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((done) => this.server.close(done));
  }

  private carry(client: Socket): void {
    this.attempts += 1;
    if (!this.whole) {
      client.resetAndDestroy();
      return;
    }
    const server = connect(this.target, '127.0.0.1');
    for (const [from, to] of [[client, server], [server, client]] as const) {
      this.sockets.add(from);
      from.setNoDelay(true);
      from.on('data', (bytes) => to.write(bytes));
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
    }
  }
}
