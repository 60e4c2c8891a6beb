import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

/** Ports that were free a moment ago. Kept apart from each other, so that one server can have several. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(createServer())));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

export async function listen(server: Server, port = 0): Promise<Server> {
  await new Promise<void>((done, fail) => server.once('error', fail).listen(port, '127.0.0.1', done));
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
