import { describe, expect, it } from 'vitest';
import { readRefusal } from '../../api/failure';
import { explain, explainRule } from './zh';

const refuse = (status: number, detail: string, more: object = {}) =>
  explain(readRefusal(status, { detail, ...more }, null));

describe('a problem in Chinese', () => {
  it.each([
    [404, 'There is no consultation with this id that you may read.', '返回列表'],
    [409, 'The message before is still being answered: this one can be sent again then.', '上一条'],
    [409, 'The consultation has changed since it was read. Read it again first.', '看过后再标记'],
    [422, 'A consultation has at most 12 messages: this one can begin a new one.', '最多12条'],
    [
      429,
      'The limit `user` is reached. Please try again in 7 s.',
      '您的请求过于频繁，请稍后再试。',
    ],
    [
      429,
      'The files of 20 uploads of yours are awaited, the most there may be. Send …',
      '20个文件',
    ],
    [500, 'Nothing is wrong with your request. Please quote the instance …', '编号'],
    [503, 'The database cannot be reached right now. Please try again.', '无法连接数据库'],
    [504, 'It took too long to answer. Please try again.', '时间过长'],
  ])('of status %i tells what “%s” tells', (status, detail, part) => {
    const explained = refuse(status, detail);
    expect(explained?.text).toContain(part);
    expect(explained?.isWhole).toBe(true);
  });

  it('names fields by what the page calls them', () => {
    const errors = [
      { field: 'age', message: 'must be from 0 to 130' },
      { field: 'attachments[1]', message: 'must be an upload of yours that is ready' },
    ];
    expect(refuse(422, '2 values break a rule; `errors` names each.', { errors })).toEqual({
      text: '年龄：应在0到130之间；文件：文件已不可用，请移除后重新上传。请更正后重试。',
      isWhole: true,
    });
  });

  it('leaves the API’s words beside it where it says less', () => {
    expect(refuse(409, 'The moon is in the way.')).toEqual({
      text: '请刷新页面，查看当前状态后再试。',
      isWhole: false,
    });
    const errors = [{ field: 'age', message: 'must rhyme' }];
    expect(refuse(422, '`age` must rhyme.', { errors })?.isWhole).toBe(false);
  });

  it('does not repeat the advice, which is shown by itself', () => {
    const advice = '立即拨打120。';
    const detail = `${advice} The message before is still being answered: this one can …`;
    expect(refuse(409, detail, { advice, urgency: 'emergency' })?.text).toMatch(/^上一条/);
  });

  it('of a status that nobody foresaw is none', () => {
    expect(refuse(418, 'A teapot.')).toBeUndefined();
  });
});

it.each([
  ['must not be blank', '不能为空白'],
  ['must have at most 8,000 characters', '最多8,000个字符'],
  ['must be female, male or other', '应为female、male或other'],
  ['must be one of image/jpeg, image/png', '应为image/jpeg、image/png'],
  ['must be `zh` or `en`', '应为`zh`或`en`'],
  ['must be an e-mail address', '应为电子邮箱地址'],
  ['must be 1 to 104857600 bytes', '大小应为1到104857600字节'],
  ["must be a person's id", '应为人员编号'],
  ['must be `consultations`', '应为`consultations`'],
  ['must be beautiful', undefined],
])('the rule “%s” is %j', (english, chinese) => {
  expect(explainRule(english)).toBe(chinese);
});
