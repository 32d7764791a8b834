import { expect, it } from 'vitest';
import { singleFlight } from './singleFlight';

it('begins nothing while the same is under way, and again when it has ended', async () => {
  const once = singleFlight();
  let begun = 0;
  let end = (): void => undefined;
  const work = () => {
    begun++;
    return new Promise<void>((resolve) => {
      end = resolve;
    });
  };

  const first = once(work);
  await once(work);
  expect(begun).toBe(1);
  end();
  await first;

  const failing = once(() => Promise.reject(new Error('no')));
  await expect(failing).rejects.toThrow('no');
  const again = once(work);
  expect(begun).toBe(2);
  end();
  await again;
});
