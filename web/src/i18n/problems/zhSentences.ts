/**
 * What the API says in English (`docs/api.md`, "Errors") and the same in Chinese. Its problems have
 * no codes but the status, so their sentences are known by their words; `{1}` is a part of them.
 */
type Sentences = readonly (readonly [RegExp, string])[];

/** The next step by status alone, if a sentence is not known. */
export const STATUSES: Record<number, string> = {
  400: '请刷新页面后重试。',
  401: '请重新登录。',
  403: '如果您需要这项权限，请联系管理员。',
  404: '请检查网址，或返回列表重新选择。',
  409: '请刷新页面，查看当前状态后再试。',
  413: '请缩短内容，或选择较小的文件。',
  415: '请刷新页面后重试。',
  422: '请更正后重试。',
  429: '请稍后再试。',
  500: '您的请求没有问题。请稍后重试；如果再次出现，请把编号告诉管理员。',
  502: '请稍后重试；如果再次出现，请联系管理员。',
  503: '请稍后重试。',
  504: '处理时间过长，请重试。',
};

export const DETAILS: Sentences = [
  [/^There is no \w+ with this id that you may read\./, '请检查网址，或返回列表重新选择。'],
  [/^The limit `(\w+)` is reached\./, '{1}，请稍后再试。'],
  [
    /^This call alone is more than the limit `\w+` allows\./,
    '这一次请求就超过了限额，请减少内容。',
  ],
  [/^(.+) cannot be reached right now\./, '暂时无法连接{1}，请稍后重试。'],
  [/^It took too long/, '处理时间过长，请重试。'],
  [/^Nothing is wrong with your request\./, STATUSES[500] ?? ''],
  [/^The body may have at most \d+ bytes\.$/, '请缩短内容后重试。'],
  [/^The body is not valid JSON/, '请刷新页面后重试。'],

  [
    /^The message before is still being answered/,
    '上一条消息还在评估中，评估生成后即可发送这一条。',
  ],
  [
    /^A consultation has at most (\d+) messages/,
    '一次问诊最多{1}条消息，请用这条消息开始新的问诊。',
  ],
  [/^This Idempotency-Key was used/, '这次提交与之前的不同，请刷新页面后重新发送。'],
  [/^Only the patient whose consultation it is/, '只有患者本人可以在问诊中发送消息。'],
  [/^The consultation is still being processed\./, '评估尚未生成，请等评估生成后再试。'],
  [
    /^The consultation has failed, so there is no assessment/,
    '评估未能生成，因此没有报告。请开始新的问诊，或请管理员重新处理。',
  ],
  [/^The consultation was cancelled, so/, '评估已取消，因此没有报告。请开始新的问诊。'],
  [/^The consultation has changed since it was read\./, '问诊有新内容，请看过后再标记。'],
  [/^Only clinicians and admins review/, '只有医生和管理员可以处理问诊。'],
  [/^Only the patient and admins may erase/, '只有患者本人和管理员可以删除问诊。'],
  [/^The first request was just erased\./, '第一次提交的内容刚被删除，请重试。'],
  [/^The same jobs? /, '同样的请求太多，请稍后重试。'],
  [/^The job is completed/, '任务已经完成，无法取消。'],
  [/^The job has failed/, '任务已经失败，无法取消。'],
  [/^An erasure that has begun/, '删除已经开始，无法取消。'],

  [
    /^The files of (\d+) uploads of yours are awaited/,
    '您有{1}个文件尚未传完，已达上限。请先传完或移除一些，或20分钟后再试（大文件为6小时）。',
  ],
  [/^The parts of this upload are gone\./, '已上传的部分不在了，请移除文件后重新上传。'],
  [/^These parts /, '文件有部分没有完整送达，请移除后重新上传。'],
  [/^The same document is there already/, '已有同样的文档，内容没有变化。'],

  [/^You were signed out\./, '您已被退出，请重新登录。'],
  [/^The token /, '登录已失效，请重新登录。'],
  [/^You have no role here/, '您还没有角色，请联系管理员。'],
  [/^You belong to no tenant/, '您不属于任何机构，请联系管理员。'],
  [/^You have another role by now/, '您的角色已经变更，不能再更改他人的角色。'],
  [/^Nobody can be signed out/, '本系统没有Valkey，无法强制退出。'],
  [/^Roles cannot be changed/, '本系统没有Valkey，无法更改角色。'],
  [/^The sign-out is noted/, '已记录，Valkey恢复后一分钟内生效。可以重试查看。'],
];

export const RULES: Sentences = [
  [/^is required$/, '必须填写'],
  [/^must not be blank$/, '不能为空白'],
  [/^must have at most ([\d,]+) characters$/, '最多{1}个字符'],
  [/^must have ([\d,]+) to ([\d,]+) characters$/, '长度应为{1}到{2}个字符'],
  [/^must have ([\d,]+) to ([\d,]+) characters, none of them/, '应为{1}到{2}个字符，不含控制字符'],
  [/^must not (?:contain|have) control characters$/, '不能含有控制字符'],
  [/^must be from (\d+) to (\d+)$/, '应在{1}到{2}之间'],
  [/^must be a whole number(?: of seconds)? from (\d+) to (\d+)$/, '应为{1}到{2}的整数'],
  [/^must be a whole number$/, '应为整数'],
  [/^must be of another type$|^is not valid$/, '值无效'],
  [/^must be a text$/, '应为文字'],
  [/^must be a text that shows something$/, '没有可以显示的文字'],
  [/^stands there twice$/, '重复出现'],
  [/^is not a field of this request$|^has a field that is not known$/, '含有未知的字段'],
  [/^must be a JSON object$/, '应为JSON对象'],

  [/^must be at most (\d+) ids$/, '最多{1}个'],
  [/^must not name an upload twice$/, '同一个文件不能附上两次'],
  [/^must be an upload of your(?:s that is ready| own)$/, '文件已不可用，请移除后重新上传'],
  [/^must be a text or a PDF that is ready$/, '应为已通过检查的文本或PDF'],
  [/^must have text: of this PDF/, '无法从这个PDF中读出文字，例如扫描件'],
  [/^was removed$/, '已被移除'],
  [/^must be (\d+) to (\d+) bytes$/, '大小应为{1}到{2}字节'],
  [/^must have at most (\d+) bytes$/, '最多{1}字节'],
  [/^must be (\d+) hexadecimal digits$/, '应为{1}位十六进制数字'],

  [/^must have (\d+) to (\d+) answers$/, '应有{1}到{2}个回答'],
  [/^is no question$/, '没有这个问题'],
  [/^must be zh or en, also with a region$/, '应为zh或en'],
  [/^must be an https address/, '应为https网址，不含用户名，最多2000个字符'],

  [/^must be an e-mail address$/, '应为电子邮箱地址'],
  [/^must be (\d+) to (\d+) visible ASCII characters$/, '应为{1}到{2}个可见的ASCII字符'],
  [/^must be made of letters, digits/, '只能含字母、数字和 - . _ : | @，且不能是me或import'],
  [/^your own role must be changed by another admin$/, '您自己的角色须由其他管理员更改'],

  [/^must be a person's id$/, '应为人员编号'],
  [/^must be a consultation's id$/, '应为问诊编号'],
  [/^must be a `next_cursor`/, '列表已过期，请重新加载'],
  [/^must be (?:one of |among )?(`[\w/-]+`|`?[\w/-]+`?(?:(?:, | or )`?[\w/-]+`?)+)$/, '应为{1}'],
];

export const FIELDS: Record<string, string> = {
  actor_id: '操作者',
  age: '年龄',
  answers: '回答',
  attachments: '文件',
  consultation_id: '问诊编号',
  content: '正文',
  content_type: '文件类型',
  email: '电子邮箱',
  file_name: '文件名',
  history: '既往病史和用药',
  id: '编号',
  language: '语言',
  locale: '语言',
  name: '姓名',
  q: '问题',
  role: '角色',
  sex: '性别',
  size: '文件大小',
  'source.title': '来源',
  'source.url': '来源网址',
  symptoms: '症状',
  text: '消息',
  title: '标题',
  user_id: '人员',
};

export const LIMITS: Record<string, string> = {
  address: '来自您所在网络的请求过多',
  user: '您的请求过于频繁',
  tenant: '您所在机构的请求过多',
  global: '系统当前的请求过多',
  tokens: '您所在机构的模型用量已达上限',
  connects: '您打开的连接过多',
  messages: '您发送的消息过于频繁',
};

export const DEPENDENCIES: Record<string, string> = {
  'The database': '数据库',
  'The cache': '缓存',
  'The rate limiter': '限流服务',
  'The transcript': '对话记录',
  'The identity provider': '登录服务',
  'The table of connections': '实时连接服务',
  'The bucket of reports': '报告存储',
  'What you ask for': '所需的数据',
  uploads: '文件存储',
  scanner: '病毒扫描服务',
  cdn: '文件下载服务',
};
