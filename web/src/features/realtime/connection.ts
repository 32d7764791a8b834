import { pauseAfter } from './backoff';
import { readFrame, takeNext, type ConsultationEvent } from './events';

export type ConnectionState = 'closed' | 'connecting' | 'open' | 'waiting';

export interface ConnectionOptions {
  url: string;
  token: () => Promise<string | undefined>;
  onEvents: (consultationId: string, events: ConsultationEvent[]) => void;
  onErased: (consultationId: string) => void;
  onState: (state: ConnectionState) => void;
}

/** The gateway closes what is silent for ten minutes. */
const PING_MS = 4 * 60_000;

/** After this long without a word, what is followed is asked for again: a push may have been lost. */
const SILENCE_MS = 30_000;

/**
 * One WebSocket for all consultations that are followed. It comes back by itself, and asks for what
 * it has missed by the number of the last event that it has.
 */
export class RealtimeConnection {
  private socket: WebSocket | undefined;
  private failures = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private heardAt = 0;
  private pingedAt = 0;
  private watch: ReturnType<typeof setInterval> | undefined;

  /** The last event of each followed consultation. */
  private readonly lastEvents = new Map<string, number>();

  constructor(private readonly options: ConnectionOptions) {}

  follow(consultationId: string): void {
    if (this.lastEvents.has(consultationId)) return;
    this.lastEvents.set(consultationId, 0);

    if (this.socket?.readyState === WebSocket.OPEN) this.subscribe(consultationId);
    else if (!this.socket && !this.retry) void this.open();
  }

  unfollow(consultationId: string): void {
    if (!this.lastEvents.delete(consultationId)) return;
    this.send({ action: 'unsubscribe', consultation_id: consultationId });
  }

  /** Tries at once, as when the network is back. */
  wake(): void {
    if (!this.retry) return;
    clearTimeout(this.retry);
    this.retry = undefined;
    void this.open();
  }

  close(): void {
    clearInterval(this.watch);
    clearTimeout(this.retry);
    this.lastEvents.clear();
    this.socket?.close();
  }

  private async open(): Promise<void> {
    this.options.onState('connecting');
    this.watch ??= setInterval(() => {
      this.breakSilence();
    }, SILENCE_MS / 3);
    const token = await this.options.token();
    if (this.socket) return;
    if (!token) {
      this.closed(); // as after a token that could not be renewed just now
      return;
    }

    // A browser can set no header here, and addresses are logged: the token is a subprotocol.
    const socket = new WebSocket(this.options.url, ['wenzhen', token]);
    this.socket = socket;
    socket.onopen = () => {
      this.opened();
    };
    socket.onmessage = ({ data }: MessageEvent<string>) => {
      this.heard(data);
    };
    socket.onclose = () => {
      this.closed();
    };
  }

  private opened(): void {
    this.failures = 0;
    this.heardAt = this.pingedAt = Date.now();
    this.options.onState('open');
    for (const id of this.lastEvents.keys()) this.subscribe(id);
  }

  private closed(): void {
    this.socket = undefined;
    if (this.lastEvents.size === 0) {
      this.options.onState('closed');
      return;
    }

    this.options.onState('waiting');
    this.retry = setTimeout(() => {
      this.retry = undefined;
      void this.open();
    }, pauseAfter(this.failures++));
  }

  private heard(text: string): void {
    this.heardAt = Date.now();
    const frame = readFrame(text);

    if (frame.type === 'events') this.takeEvents(frame.consultation_id, frame.events);
    if (frame.type === 'erased') {
      this.lastEvents.delete(frame.consultation_id);
      this.options.onErased(frame.consultation_id);
    }
  }

  private takeEvents(consultationId: string, events: ConsultationEvent[]): void {
    const known = this.lastEvents.get(consultationId);
    if (known === undefined) return;

    const { last, taken } = takeNext(known, events);
    this.lastEvents.set(consultationId, last);
    if (taken.length > 0) this.options.onEvents(consultationId, taken);
  }

  private breakSilence(): void {
    const now = Date.now();
    if (this.socket?.readyState !== WebSocket.OPEN) return;

    if (now - this.pingedAt > PING_MS) {
      this.pingedAt = now;
      this.send({ action: 'ping' });
    }
    if (now - this.heardAt > SILENCE_MS) {
      this.heardAt = now;
      for (const id of this.lastEvents.keys()) this.subscribe(id);
    }
  }

  private subscribe(consultationId: string): void {
    const after = this.lastEvents.get(consultationId) ?? 0;
    this.send({ action: 'subscribe', consultation_id: consultationId, after });
  }

  private send(frame: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }
}
