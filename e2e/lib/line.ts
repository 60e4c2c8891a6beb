import { createSocket, type Socket } from 'node:dgram';

export interface Weather {
  /** Of a hundred datagrams, each way. */
  lost: number;
  /** One way, ms. */
  delay: number;
}

/** The address at which a line stands in for the server: `--announce` it. Every address of 127.0.0.0/8 is this machine on Linux. */
export const lineAddress = '127.0.0.2';

/**
 * A bad line for datagrams between browsers and the media port of a server that announces `lineAddress`. It needs no rights, unlike a
 * network namespace, and translates addresses as a NAT does: the server sees one source for each of the browsers' sockets.
 */
export class Line {
  weather: Weather = { lost: 0, delay: 0 };
  private whole = true;
  private upstream = new Map<string, Socket>();
  /** Carried and lost so far. */
  readonly counts = { carried: 0, lost: 0 };

  private constructor(
    private front: Socket,
    private port: number,
  ) {
    front.on('message', (bytes, { address, port }) => this.carry(() => this.towards(address, port).send(bytes, this.port, '127.0.0.1')));
  }

  static async before(port: number): Promise<Line> {
    const front = createSocket('udp4');
    const line = new Line(front, port);
    await new Promise<void>((done, fail) => front.once('error', fail).bind(port, lineAddress, done));
    return line;
  }

  cut(): void {
    this.whole = false;
  }

  mend(): void {
    this.whole = true;
  }

  /** From now on everything comes from other ports, and what is sent to the old ones is lost: a NAT that was started anew. */
  rebind(): void {
    for (const socket of this.upstream.values()) socket.close();
    this.upstream.clear();
  }

  close(): void {
    this.rebind();
    this.cut();
    this.front.close();
  }

  private towards(address: string, port: number): Socket {
    const source = `${address}:${port}`;
    let socket = this.upstream.get(source);
    if (!socket) {
      socket = createSocket('udp4').bind(0, '127.0.0.1');
      socket.on('message', (bytes) => this.carry(() => this.front.send(bytes, port, address)));
      this.upstream.set(source, socket);
    }
    return socket;
  }

  private carry(send: () => void): void {
    const lost = !this.whole || Math.random() * 100 < this.weather.lost;
    this.counts[lost ? 'lost' : 'carried'] += 1;
    if (lost) return;
    setTimeout(() => this.whole && send(), this.weather.delay);
  }
}
