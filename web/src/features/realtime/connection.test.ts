import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RealtimeConnection } from './connection';

/** The browser's WebSocket, of which a test plays the other end. */
class FakeSocket {
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  static last(): FakeSocket {
    const socket = FakeSocket.all.at(-1);
    if (!socket) throw new Error('no connection was opened');
    return socket;
  }

  readyState = 0;
  sent: { action: string; after?: number; request?: string }[] = [];
  onopen?: () => void;
  onmessage?: (event: { data: string }) => void;
  onclose?: () => void;

  constructor() {
    FakeSocket.all.push(this);
  }

  open(): void {
    this.readyState = FakeSocket.OPEN;
    this.onopen?.();
  }

  say(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as (typeof this.sent)[number]);
  }

  /** A dead line: its end is never told. */
  close(): void {
    this.readyState = 2;
  }

  get subscriptions(): (number | undefined)[] {
    return this.sent.filter(({ action }) => action === 'subscribe').map(({ after }) => after);
  }
}

const told = {
  onEvents: vi.fn(),
  onErased: vi.fn(),
  onNotFound: vi.fn(),
  onSubscription: vi.fn(),
  onState: vi.fn(),
};

let connection: RealtimeConnection;

/** Follows `c` through a connection that is open. */
async function follow(): Promise<FakeSocket> {
  connection.follow('c');
  await vi.advanceTimersByTimeAsync(0);
  const socket = FakeSocket.last();
  socket.open();
  return socket;
}

const subscribed = { type: 'subscribed', consultation_id: 'c', after: 0 };
const events = (...ids: number[]) => ({
  type: 'events',
  consultation_id: 'c',
  events: ids.map((id) => ({ id, type: 'progress' })),
});

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', FakeSocket);
  vi.resetAllMocks();
  FakeSocket.all = [];
  const token = () => Promise.resolve('token');
  connection = new RealtimeConnection({ url: 'wss://live.test', token, ...told });
});
afterEach(() => {
  connection.close();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('a line that is dead at its other end', () => {
  it('is given up ten seconds after a subscription without an answer', async () => {
    await follow();
    await vi.advanceTimersByTimeAsync(9_000);
    expect(told.onState).toHaveBeenLastCalledWith('open');

    await vi.advanceTimersByTimeAsync(1_000);
    expect(told.onState).toHaveBeenLastCalledWith('waiting');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(FakeSocket.all).toHaveLength(2);
  });

  it('is found out by the question that breaks a silence', async () => {
    const socket = await follow();
    socket.say(subscribed);
    await vi.advanceTimersByTimeAsync(40_000);
    expect(socket.subscriptions).toEqual([0, 0]);
    await vi.advanceTimersByTimeAsync(11_000);
    expect(FakeSocket.all).toHaveLength(2);
  });

  it('is found out when the page is looked at again', async () => {
    const socket = await follow();
    socket.say(subscribed);
    connection.check();
    expect(socket.sent.at(-1)?.action).toBe('ping');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(told.onState).toHaveBeenLastCalledWith('waiting');
  });

  it('is kept as long as it answers, and its late end ends no other', async () => {
    const first = await follow();
    first.say(subscribed);
    connection.check();
    first.say({ type: 'pong' });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(told.onState).toHaveBeenLastCalledWith('open');

    connection.check();
    await vi.advanceTimersByTimeAsync(11_000);
    FakeSocket.last().open();
    first.onclose?.();
    expect(told.onState).toHaveBeenLastCalledWith('open');
  });
});

describe('events', () => {
  it('behind a gap have what is missing asked for at once, and not twice', async () => {
    const socket = await follow();
    socket.say(subscribed);
    socket.say(events(1));
    socket.say(events(3));
    expect(socket.subscriptions).toEqual([0, 1]);
    socket.say(events(4));
    expect(socket.subscriptions).toEqual([0, 1]);

    socket.say(subscribed);
    socket.say(events(2, 3, 4));
    expect(told.onEvents.mock.calls.flatMap(([, taken]) => taken as object[])).toHaveLength(4);
    socket.say(events(6));
    expect(socket.subscriptions).toEqual([0, 1, 4]);
  });
});

describe('a subscription', () => {
  it('counts when the gateway has said so, and no longer than its connection', async () => {
    const socket = await follow();
    expect(told.onSubscription).not.toHaveBeenCalled();
    socket.say(subscribed);
    expect(told.onSubscription).toHaveBeenLastCalledWith('c', true);

    connection.unfollow('c');
    expect(told.onSubscription).toHaveBeenLastCalledWith('c', false);
  });

  it('that is refused for a while is asked for again when the gateway says', async () => {
    const socket = await follow();
    socket.say({ type: 'error', status: 429, retry_after: 20, request: 'c' });
    expect(told.onSubscription).toHaveBeenLastCalledWith('c', false);
    await vi.advanceTimersByTimeAsync(19_000);
    expect(socket.subscriptions).toEqual([0]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(socket.subscriptions).toEqual([0, 0]);
  });

  it('that the gateway itself has thrown away is sent again after a pause', async () => {
    const socket = await follow();
    socket.say({ message: 'Too Many Requests', connectionId: 'x' });
    expect(socket.subscriptions).toEqual([0]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(socket.subscriptions).toEqual([0, 0]);
  });

  it('to what does not exist is not asked for again', async () => {
    const socket = await follow();
    socket.say({ type: 'error', status: 404, request: 'c' });
    expect(told.onNotFound).toHaveBeenCalledWith('c');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(socket.subscriptions).toEqual([0]);
  });

  it('with a token that has ended is made anew through another connection', async () => {
    const socket = await follow();
    socket.say({ type: 'error', status: 401, request: 'c' });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(FakeSocket.all).toHaveLength(2);
  });
});

it('a connection that was closed stays closed, though its token comes later', async () => {
  connection.follow('c');
  connection.close();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(FakeSocket.all).toHaveLength(0);
  expect(told.onState).toHaveBeenLastCalledWith('closed');
});
