import { describe, expect, it } from 'vitest';
import { readRefusal, readRetryAfter } from './failure';

describe('a refusal', () => {
  it('has the problem’s words, fields and reference', () => {
    const body = {
      type: 'urn:wenzhen:problem:unprocessable',
      title: 'A value breaks a rule',
      status: 422,
      detail: '`age` must be from 0 to 130.',
      instance: '6f1c',
      errors: [{ field: 'age', message: 'must be from 0 to 130' }, { field: 7 }],
    };

    expect(readRefusal(422, body, null)).toEqual({
      kind: 'refused',
      status: 422,
      title: 'A value breaks a rule',
      detail: '`age` must be from 0 to 130.',
      reference: '6f1c',
      fields: [{ field: 'age', message: 'must be from 0 to 130' }],
    });
  });

  it('keeps what a refused message raises', () => {
    const failure = readRefusal(409, { urgency: 'emergency', advice: '立即拨打120' }, '3');
    expect(failure).toMatchObject({ urgency: 'emergency', advice: '立即拨打120', retryAfter: 3 });
  });

  it('takes no urgency that is not known', () => {
    expect(readRefusal(409, { urgency: 'fine' }, null).urgency).toBeUndefined();
  });

  it('may be the gateway’s own, or no JSON at all', () => {
    const refused = { kind: 'refused', fields: [] };
    expect(readRefusal(401, { message: 'Unauthorized' }, null)).toEqual({
      ...refused,
      status: 401,
    });
    expect(readRefusal(502, '<html>', null)).toEqual({ ...refused, status: 502 });
  });
});

describe('Retry-After', () => {
  it('is seconds, or a date', () => {
    const now = Date.parse('2026-01-01T00:00:00Z');
    expect(readRetryAfter('12', now)).toBe(12);
    expect(readRetryAfter('Thu, 01 Jan 2026 00:00:30 GMT', now)).toBe(30);
    expect(readRetryAfter('Wed, 31 Dec 2025 00:00:30 GMT', now)).toBe(0);
  });

  it('is left out if it cannot be read', () => {
    expect(readRetryAfter(null)).toBeUndefined();
    expect(readRetryAfter('soon')).toBeUndefined();
  });
});
