import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Page } from 'playwright-core';
import { WEB_URL } from './browser';

/** Lets the page's WebSocket go through a line that the test can cut. */
export async function takeLine(page: Page, line: Line): Promise<void> {
  await page.route('**/config.json', async (route) => {
    const config = (await (await route.fetch()).json()) as { websocketUrl: string };
    config.websocketUrl = line.through(config.websocketUrl);
    await route.fulfill({ json: config });
  });
  await page.goto(WEB_URL);
}

/** A TCP line to another port of this machine. */
export class Line {
  private readonly open = new Set<Socket>();
  private isCut = false;
  private target = 0;

  private constructor(private readonly server: Server) {}

  static async open(): Promise<Line> {
    const server = createServer();
    const line = new Line(server);
    server.on('connection', (socket) => {
      line.join(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return line;
  }

  /** The same address by way of the line. */
  through(address: string): string {
    const url = new URL(address);
    this.target = Number(url.port);
    url.port = String((this.server.address() as AddressInfo).port);
    return url.href;
  }

  cut(): void {
    this.isCut = true;
    for (const socket of this.open) socket.destroy();
  }

  mend(): void {
    this.isCut = false;
  }

  close(): void {
    this.cut();
    this.server.close();
  }

  private join(socket: Socket): void {
    if (this.isCut) {
      socket.destroy();
      return;
    }

    const far = connect(this.target, '127.0.0.1');
    for (const end of [socket, far]) {
      this.open.add(end);
      end.on('error', () => end.destroy());
      end.on('close', () => {
        this.open.delete(end);
        socket.destroy();
        far.destroy();
      });
    }
    socket.pipe(far).pipe(socket);
  }
}
