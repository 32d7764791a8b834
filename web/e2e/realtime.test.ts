import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { DESKTOP, PHONE, signIn, useBrowser, visit, WEB_URL, type Look } from './browser';

const patientLook: Look = { language: 'en', theme: 'light', size: PHONE };
const clinicianLook: Look = { language: 'en', theme: 'light', size: DESKTOP };

useBrowser();

it('what happens while the connection is lost is there when it is back', async () => {
  const line = await Line.open();
  const page = await visit(patientLook);
  await takeLine(page, line);
  const subscribed = watchSubscriptions(page);

  await signIn(page, 'patient', patientLook);
  await page.getByLabel('Symptoms').fill('A sore throat since yesterday, no fever.');
  await page.getByRole('button', { name: 'Assess now' }).click();
  await page.getByRole('heading', { name: 'Assessment', exact: true }).waitFor();
  await expect.poll(() => subscribed.at(0)).toBe(0);

  line.cut();
  await answerAsClinician(page.url());
  const urgency = page.locator('.urgency');
  expect(await urgency.getAttribute('data-urgency')).not.toBe('emergency');

  line.mend();
  await page.locator('.urgency[data-urgency="emergency"]').waitFor();
  expect(subscribed.at(-1)).toBeGreaterThan(0);
  line.close();
});

/** A clinician says “yes” to a danger sign for the patient, elsewhere. */
async function answerAsClinician(address: string): Promise<void> {
  const page = await visit(clinicianLook);
  await page.goto(address);
  await signIn(page, 'clinician', clinicianLook);

  const question = page.locator('[data-question="struggling_to_breathe"]');
  await question.getByRole('button', { name: 'Yes' }).click();
  await page.locator('.urgency[data-urgency="emergency"]').waitFor();
  await page.context().close();
}

/** The `after` of each subscription that the page sends. */
function watchSubscriptions(page: Page): number[] {
  const numbers: number[] = [];
  page.on('websocket', (socket) => {
    socket.on('framesent', ({ payload }) => {
      const frame = JSON.parse(payload.toString()) as { action: string; after?: number };
      if (frame.action === 'subscribe' && frame.after !== undefined) numbers.push(frame.after);
    });
  });
  return numbers;
}

/** Lets the page's WebSocket go through a line that the test can cut. */
async function takeLine(page: Page, line: Line): Promise<void> {
  await page.route('**/config.json', async (route) => {
    const config = (await (await route.fetch()).json()) as { websocketUrl: string };
    config.websocketUrl = line.through(config.websocketUrl);
    await route.fulfill({ json: config });
  });
  await page.goto(WEB_URL);
}

/** A TCP line to another port of this machine. */
class Line {
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
