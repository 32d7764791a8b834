import type { Page, WebSocketRoute } from 'playwright-core';
import { expect, it } from 'vitest';
import { signIn, useBrowser, visit } from './browser';
import { enDesktop, enPhone } from './looks';
import { Line, takeLine } from './line';
import { callAs } from './people';

useBrowser();

/** Neither model is through before a slow machine has cut the line. */
const SLOW = 'A sore throat since yesterday. [primary:late-3000] [secondary:late-1700]';

it('what happens while the connection is lost is there when it is back', async () => {
  const line = await Line.open();
  const page = await visit(enPhone);
  await takeLine(page, line);
  const subscribed = watchSubscriptions(page);
  const events = watchEvents(page);

  await signIn(page, 'patient', enPhone);
  await page.getByLabel('Symptoms').fill('A sore throat since yesterday, no fever.');
  await page.getByRole('button', { name: 'Assess now' }).click();
  await page.getByRole('heading', { name: 'Assessment', exact: true }).waitFor();
  await expect.poll(() => subscribed.at(0)).toBe(0);
  await expect.poll(() => events.frames).toBeGreaterThan(0);

  line.cut();
  await answerAsClinician(page.url());
  const urgency = page.locator('.urgency');
  expect(await urgency.getAttribute('data-urgency')).not.toBe('emergency');

  await mendAtOnce(line, page);
  await page.locator('.urgency[data-urgency="emergency"]').waitFor();
  expect(subscribed.at(-1)).toBeGreaterThan(0);
  line.close();
});

it('a connection that is cut in the middle of an assessment brings its end when it is back', async () => {
  const line = await Line.open();
  const page = await visit(enPhone);
  await takeLine(page, line);
  const subscribed = watchSubscriptions(page);
  // Nothing but events may tell the page of the end.
  await page.route(isLongPoll, () => undefined);
  page.on('websocket', (socket) => {
    socket.on('framereceived', ({ payload }) => {
      if (payload.toString().includes('"events"') && subscribed.length === 1) line.cut();
    });
  });

  await signIn(page, 'patient', enPhone);
  await page.getByLabel('Symptoms').fill(SLOW);
  await page.getByRole('button', { name: 'Assess now' }).click();
  await page.getByText('Connection lost; checking from time to time').waitFor();
  await expectCompleted(page);
  expect(await page.getByRole('heading', { name: 'Assessment', exact: true }).count()).toBe(0);

  await mendAtOnce(line, page);
  await page.getByRole('heading', { name: 'Assessment', exact: true }).waitFor();
  expect(subscribed.at(-1)).toBeGreaterThan(0);
  line.close();
});

it('without a WebSocket a “yes” is shown at once, while a long poll is pending', async () => {
  const line = await Line.open();
  const page = await visit(enPhone);
  await takeLine(page, line);
  line.cut();
  const reads = await holdProcessing(page);
  await signIn(page, 'patient', enPhone);
  await page.getByLabel('Symptoms').fill('A cough for three days, and a runny nose.');
  await page.getByRole('button', { name: 'Assess now' }).click();
  await expect.poll(() => reads.pending).toBeGreaterThan(0);
  await page.getByText('Progress is not known right now.').waitFor();
  const bar = page.getByRole('progressbar', { name: 'The assessment is being made' });
  expect(await bar.getAttribute('value')).toBeNull();
  expect(await page.getByText('Live', { exact: true }).count()).toBe(0);

  const before = reads.plain;
  const question = page.locator('[data-question="struggling_to_breathe"]');
  await question.getByRole('button', { name: 'Yes' }).click();
  await page.locator('.urgency[data-urgency="emergency"]').waitFor();
  await expect.poll(() => reads.plain).toBeGreaterThan(before);
  expect(reads.answered).toBe(0);
  line.close();
});

it('a connection on which nothing comes is given up, and polls bring the assessment', async () => {
  const page = await visit(enPhone);
  const sockets: WebSocketRoute[] = [];
  await page.routeWebSocket(/./, (socket) => {
    sockets.push(socket);
  });
  await signIn(page, 'patient', enPhone);
  await page.getByLabel('Symptoms').fill('A sore throat since yesterday, no fever.');
  await page.getByRole('button', { name: 'Assess now' }).click();

  await page.getByRole('heading', { name: 'Assessment', exact: true }).waitFor();
  await expect.poll(() => sockets.length).toBeGreaterThan(1);
});

it('an event behind a gap has what is missing asked for at once', async () => {
  const page = await visit(enPhone);
  const after: number[] = [];
  await page.routeWebSocket(/./, (socket) => {
    const events = (id: string, ...numbers: number[]) => ({
      type: 'events',
      consultation_id: id,
      events: numbers.map((number) => ({
        ...{ id: number, type: 'progress', job: 'analyze' },
        ...{ progress: number * 10, step: 'asking_models' },
      })),
    });
    socket.onMessage((message) => {
      const frame = JSON.parse(String(message)) as Frame;
      if (frame.action !== 'subscribe') return;
      const { consultation_id: id } = frame;
      after.push(frame.after);
      socket.send(JSON.stringify({ type: 'subscribed', consultation_id: id, after: frame.after }));
      // The second event is lost on its way, and comes when it is asked for.
      const numbers = frame.after === 0 ? [[1], [3]] : [[2, 3]];
      for (const some of numbers) socket.send(JSON.stringify(events(id, ...some)));
    });
  });
  await holdProcessing(page);
  await signIn(page, 'patient', enPhone);
  await page.getByLabel('Symptoms').fill('A sore throat since yesterday, no fever.');
  await page.getByRole('button', { name: 'Assess now' }).click();

  await page.getByText('Live', { exact: true }).waitFor();
  await page.locator('progress[value="30"]').waitFor();
  expect(after).toEqual([0, 1]);
});

/** A page that is looked at again does not wait for its next try. */
async function mendAtOnce(line: Line, page: Page): Promise<void> {
  line.mend();
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
}

interface Frame {
  action: string;
  consultation_id: string;
  after: number;
}

const isConsultation = (url: URL) => /^\/v1\/consultations\/[\w-]{36}$/.test(url.pathname);
const isLongPoll = (url: URL) => isConsultation(url) && url.searchParams.has('wait');

/** Lets the page believe that its consultation is still worked on; long polls are never answered. */
async function holdProcessing(page: Page) {
  const reads = { plain: 0, pending: 0, answered: 0 };
  page.on('response', (response) => {
    if (isLongPoll(new URL(response.url()))) reads.answered++;
  });

  await page.route(isConsultation, async (route) => {
    if (isLongPoll(new URL(route.request().url()))) {
      reads.pending++;
      return;
    }
    reads.plain++;
    const answer = await route.fetch();
    const json = (await answer.json()) as object;
    await route.fulfill({ json: { ...json, status: 'processing', assessment: null } });
  });
  return reads;
}

/** Waits past the page until the consultation that it shows has its assessment. */
async function expectCompleted(page: Page): Promise<void> {
  const patient = await callAs('patient');
  const { pathname } = new URL(page.url());
  const status = async () => {
    const answer = await patient.get(`/v1${pathname}`);
    return ((await answer.json()) as { status: string }).status;
  };
  await expect.poll(status, { interval: 1000 }).toBe('completed');
}

/** A clinician says “yes” to a danger sign for the patient, elsewhere. */
async function answerAsClinician(address: string): Promise<void> {
  const page = await visit(enDesktop);
  await page.goto(address);
  await signIn(page, 'clinician', enDesktop);

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

/** How often events have come: the next subscription is then for those behind them. */
function watchEvents(page: Page) {
  const events = { frames: 0 };
  page.on('websocket', (socket) => {
    socket.on('framereceived', ({ payload }) => {
      if (payload.toString().includes('"events"')) events.frames++;
    });
  });
  return events;
}
