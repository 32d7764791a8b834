import type { Page } from 'playwright-core';
import { buttonOf, visit, WEB_URL, type Look, type RoleName } from './browser';

/** What a page tells of its own load; times are milliseconds from the navigation on. */
export interface Vitals {
  firstPaint: number;
  largestPaint: number;
  /** The greatest sum of shifts within five seconds without a pause of one (CLS). */
  layoutShift: number;
  /** What moved, and from where to where. */
  moved: string[];
  /** What tasks took over 50 ms each, from the first paint on (TBT). */
  blocked: number;
}

interface LayoutShift extends PerformanceEntry {
  value: number;
  sources: { node?: Node; previousRect: DOMRect; currentRect: DOMRect }[];
}

interface Noted {
  firstPaint: number;
  largestPaint: number;
  shifts: { at: number; value: number; what: string[] }[];
  tasks: { at: number; duration: number }[];
}

type Noting = Window & { noted: Noted };

/** Lets every page of the visitor note its paints, shifts and long tasks from its first moment on. */
export async function noteVitals(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const noted: Noted = { firstPaint: 0, largestPaint: 0, shifts: [], tasks: [] };
    (window as unknown as Noting).noted = noted;
    const observe = (type: string, take: (entry: PerformanceEntry) => void) => {
      new PerformanceObserver((list) => {
        list.getEntries().forEach(take);
      }).observe({ type, buffered: true });
    };

    observe('paint', ({ name, startTime }) => {
      if (name === 'first-contentful-paint') noted.firstPaint = startTime;
    });
    observe('largest-contentful-paint', ({ startTime }) => {
      noted.largestPaint = startTime;
    });
    observe('layout-shift', (entry) => {
      const { value, sources } = entry as LayoutShift;
      const what = sources.map(({ node, previousRect: before, currentRect: after }) => {
        const name = node instanceof Element ? `${node.tagName}.${node.className}` : 'text';
        return `${name} ${before.y}+${before.height} → ${after.y}+${after.height}`;
      });
      noted.shifts.push({ at: entry.startTime, value, what });
    });
    observe('longtask', ({ startTime, duration }) => {
      noted.tasks.push({ at: startTime, duration });
    });
  });
}

/** What was noted so far. */
export async function readVitals(page: Page): Promise<Vitals> {
  const noted = await page.evaluate(() => (window as unknown as Noting).noted);
  const { firstPaint, largestPaint, shifts, tasks } = noted;
  const blocking = tasks.filter(({ at }) => at >= firstPaint);

  return {
    firstPaint,
    largestPaint,
    layoutShift: greatestWindow(shifts),
    moved: shifts.map(({ at, value, what }) => `${at | 0} ms, ${value}: ${what.join('; ')}`),
    blocked: blocking.reduce((sum, { duration }) => sum + duration - 50, 0),
  };
}

function greatestWindow(shifts: Noted['shifts']): number {
  let greatest = 0;
  let sum = 0;
  let first = -Infinity;
  let last = -Infinity;

  for (const { at, value } of shifts) {
    const goesOn = at - last < 1000 && at - first < 5000;
    sum = goesOn ? sum + value : value;
    if (!goesOn) first = at;
    last = at;
    greatest = Math.max(greatest, sum);
  }
  return greatest;
}

export interface Place {
  role?: RoleName;
  path: string;
}

/**
 * Opens an address as its first page, signed in by a script: a press of a real button would let the
 * browser take the shifts behind it for what the person wanted.
 */
export async function openCold({ role, path }: Place, look: Look, prepare?: Prepare) {
  const page = await visit(look);
  await noteVitals(page);
  await prepare?.(page);
  await page.goto(WEB_URL + path);

  const button = buttonOf(page, role ?? 'patient', look);
  await button.waitFor();
  if (role) {
    await button.evaluate((element) => {
      (element as HTMLElement).click();
    });
    await button.waitFor({ state: 'detached' });
  }
  await settle(page);
  return page;
}

export type Prepare = (page: Page) => Promise<void>;

/** Waits until the page shows what it was opened for. */
export async function settle(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.waitForFunction(() => !document.querySelector('.ant-skeleton'));
  await page.waitForTimeout(1000);
}
