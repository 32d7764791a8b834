import { pauseAfter } from './backoff';
import { readFrame, takeNext, type ConsultationEvent, type Frame } from './events';

export type ConnectionState = 'closed' | 'connecting' | 'open' | 'waiting';

export interface ConnectionOptions {
  url: string;
  token: () => Promise<string | undefined>;
  onEvents: (consultationId: string, events: ConsultationEvent[]) => void;
  onErased: (consultationId: string) => void;
  /** There is none of this id, or none that the person may read: HTTP says so too. */
  onNotFound: (consultationId: string) => void;
  /** Whether the gateway tells of a consultation from now on. */
  onSubscription: (consultationId: string, isThere: boolean) => void;
  onState: (state: ConnectionState) => void;
}

/** The gateway closes what is silent for ten minutes. */
const PING_MS = 4 * 60_000;

/** After this long without a word, what is followed is asked for again: a push may have been lost. */
const SILENCE_MS = 30_000;

/**
 * A frame that is not answered within this time went into a line that is dead at its other end. The
 * browser itself takes minutes to notice, or never does.
 */
const ANSWER_MS = 10_000;

/** The same for a connection that is being opened. */
const OPENING_MS = 30_000;

/** Before a frame that was refused is sent again, if the refusal does not say when. */
const REFUSED_MS = 5_000;

/** A consultation that is followed. */
interface Followed {
  /** The number of the last event that was taken. */
  last: number;
  /** Whether it was asked for and no answer has come. */
  isAsked: boolean;
  /** Behind which event something was missing, when that was asked for: not twice in a row. */
  gapBehind?: number;
  /** Set while the gateway does not want to be asked. */
  retry?: ReturnType<typeof setTimeout>;
}

/**
 * One WebSocket for all consultations that are followed. It comes back by itself, and asks for what
 * it has missed by the number of the last event that it has.
 */
export class RealtimeConnection {
  private socket: WebSocket | undefined;
  private failures = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private deadline: ReturnType<typeof setTimeout> | undefined;
  private heardAt = 0;
  private pingedAt = 0;
  private watch: ReturnType<typeof setInterval> | undefined;
  private isClosed = false;
  private readonly followed = new Map<string, Followed>();

  constructor(private readonly options: ConnectionOptions) {}

  follow(consultationId: string): void {
    if (this.followed.has(consultationId)) return;
    this.followed.set(consultationId, { last: 0, isAsked: false });

    if (this.socket?.readyState === WebSocket.OPEN) this.subscribe(consultationId);
    else if (!this.socket && !this.retry) void this.open();
  }

  unfollow(consultationId: string): void {
    if (!this.forget(consultationId)) return;
    this.send({ action: 'unsubscribe', consultation_id: consultationId });
  }

  /**
   * Finds out at once how the line is, as when the network is back or the page is looked at again: a
   * phone that slept has a socket that seems open.
   */
  check(): void {
    if (this.retry) {
      clearTimeout(this.retry);
      this.retry = undefined;
      void this.open();
    } else if (this.socket?.readyState === WebSocket.OPEN) {
      this.ping();
    }
  }

  close(): void {
    this.isClosed = true;
    clearInterval(this.watch);
    clearTimeout(this.retry);
    clearTimeout(this.deadline);
    for (const id of this.followed.keys()) this.forget(id);

    const socket = this.socket;
    this.socket = undefined;
    socket?.close();
    this.options.onState('closed');
  }

  private async open(): Promise<void> {
    this.options.onState('connecting');
    this.watch ??= setInterval(() => {
      this.breakSilence();
    }, SILENCE_MS / 3);
    const token = await this.options.token();
    if (this.socket || this.isClosed) return;
    if (!token) {
      this.closed(); // as after a token that could not be renewed just now
      return;
    }

    // A browser can set no header here, and addresses are logged: the token is a subprotocol.
    const socket = new WebSocket(this.options.url, ['wenzhen', token]);
    this.socket = socket;
    this.expectAnswer(OPENING_MS);
    socket.onopen = () => {
      if (this.socket === socket) this.opened();
    };
    socket.onmessage = ({ data }: MessageEvent<string>) => {
      if (this.socket === socket) this.heard(data);
    };
    socket.onclose = () => {
      if (this.socket === socket) this.closed();
    };
  }

  private opened(): void {
    clearTimeout(this.deadline);
    this.deadline = undefined;
    this.heardAt = this.pingedAt = Date.now();
    this.options.onState('open');
    for (const id of this.followed.keys()) this.subscribe(id);
  }

  private closed(): void {
    clearTimeout(this.deadline);
    this.deadline = undefined;
    this.socket = undefined;
    for (const followed of this.followed.values()) letAsk(followed);
    if (this.followed.size === 0) {
      this.options.onState('closed');
      return;
    }

    this.options.onState('waiting');
    this.retry = setTimeout(() => {
      this.retry = undefined;
      void this.open();
    }, pauseAfter(this.failures++));
  }

  /** Gives up a line on which nothing comes. Its own end may be told much later, and is no news. */
  private drop(): void {
    const socket = this.socket;
    if (!socket) return;
    this.closed();
    socket.close();
  }

  private heard(text: string): void {
    this.heardAt = Date.now();
    clearTimeout(this.deadline);
    this.deadline = undefined;
    const frame = readFrame(text);

    switch (frame.type) {
      case 'events':
        this.takeEvents(frame.consultation_id, frame.events);
        break;
      case 'subscribed':
        this.subscribed(frame.consultation_id);
        break;
      case 'erased':
        this.forget(frame.consultation_id);
        this.options.onErased(frame.consultation_id);
        break;
      case 'error':
      case undefined:
        this.refused(frame);
        return;
    }
    this.failures = 0;
  }

  private subscribed(consultationId: string): void {
    const followed = this.followed.get(consultationId);
    if (!followed) return;
    followed.isAsked = false;
    this.options.onSubscription(consultationId, true);
  }

  private takeEvents(consultationId: string, events: ConsultationEvent[]): void {
    const followed = this.followed.get(consultationId);
    if (!followed) return;

    const { last, taken, hasGap } = takeNext(followed.last, events);
    followed.last = last;
    if (taken.length > 0) this.options.onEvents(consultationId, taken);

    // A gap that the answer has not filled would be asked for without end: the next silence does so.
    if (!hasGap || followed.gapBehind === last) return;
    followed.gapBehind = last;
    this.subscribe(consultationId);
  }

  /** A frame of ours was not taken. The gateway's own refusal does not say which. */
  private refused(frame: Extract<Frame, { type?: 'error' | undefined }>): void {
    const { status, retry_after, request } = 'status' in frame ? frame : {};
    if (status === 401) {
      this.drop(); // the token has ended, and the connection with it: the next one has another
      return;
    }

    const asked = [...this.followed].filter(
      ([id, { isAsked }]) => isAsked && id === (request ?? id),
    );
    for (const [id, followed] of asked) {
      if (status === 404) {
        this.forget(id);
        this.options.onNotFound(id);
      } else {
        this.askLater(id, followed, retry_after === undefined ? REFUSED_MS : retry_after * 1000);
      }
    }
  }

  private askLater(consultationId: string, followed: Followed, pause: number): void {
    letAsk(followed);
    this.options.onSubscription(consultationId, false);
    followed.retry = setTimeout(() => {
      letAsk(followed);
      this.subscribe(consultationId);
    }, pause);
  }

  private breakSilence(): void {
    const now = Date.now();
    if (this.socket?.readyState !== WebSocket.OPEN) return;

    if (now - this.pingedAt > PING_MS) this.ping();
    if (now - this.heardAt > SILENCE_MS) {
      this.heardAt = now;
      for (const id of this.followed.keys()) this.subscribe(id);
    }
  }

  private ping(): void {
    this.pingedAt = Date.now();
    this.send({ action: 'ping' });
    this.expectAnswer(ANSWER_MS);
  }

  private subscribe(consultationId: string): void {
    const followed = this.followed.get(consultationId);
    if (!followed || followed.retry || this.socket?.readyState !== WebSocket.OPEN) return;
    followed.isAsked = true;
    // A refusal repeats `request`: it says what was refused.
    const request = consultationId;
    const after = followed.last;
    this.send({ action: 'subscribe', consultation_id: consultationId, after, request });
    this.expectAnswer(ANSWER_MS);
  }

  private expectAnswer(within: number): void {
    this.deadline ??= setTimeout(() => {
      this.drop();
    }, within);
  }

  private forget(consultationId: string): boolean {
    const followed = this.followed.get(consultationId);
    if (!followed) return false;
    clearTimeout(followed.retry);
    this.followed.delete(consultationId);
    this.options.onSubscription(consultationId, false);
    return true;
  }

  private send(frame: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }
}

/** Whatever was refused before, the next question is a new one. */
function letAsk(followed: Followed): void {
  clearTimeout(followed.retry);
  delete followed.retry;
  delete followed.gapBehind;
  followed.isAsked = false;
}
