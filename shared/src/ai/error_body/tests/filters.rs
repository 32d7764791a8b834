//! Refusals of content filters, as providers have them.

use super::{ProviderCase, assert_table, cases_of};

/// Known by a code, whatever the words.
const BY_CODE: &str = r#"
OpenAI     | 400 | {"error":{"message":"m","code":"content_policy_violation"}}
OpenAI     | 400 | {"error":{"message":"m","code":"moderation_blocked"}}
Azure      | 400 | {"error":{"message":"m","code":"content_filter","status":400}}
Azure      | 400 | {"error":{"code":null,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}
DashScope  | 400 | {"error":{"message":"m","type":"data_inspection_failed"}}
DashScope  | 500 | {"error":{"message":"m","code":"DataInspectionFailed"}}
DashScope  | 200 | {"error":{"message":"m","code":"data_inspection_failed"}}
DashScope  | 200 | {"code":"DataInspectionFailed","message":"m"}
GLM        | 400 | {"error":{"message":"可能包含敏感内容","code":"1301"}}
GLM        | 200 | {"error":{"message":"potentially sensitive","code":1301}}
MiniMax    | 200 | {"base_resp":{"status_code":1026,"status_msg":"m"}}
MiniMax    | 500 | {"base_resp":{"status_code":1027,"status_msg":"m"}}
Moonshot   | 400 | {"error":{"message":"m","type":"content_filter"}}
Ark        | 400 | {"error":{"code":"InputTextSensitiveContentDetected.PolicyViolation"}}
Ark        | 400 | {"error":{"code":"SensitiveContentDetected"}}
Ark        | 400 | {"error":{"code":"OutputTextRiskDetection"}}
Tencent    | 400 | {"error":{"code":"OperationDenied.TextIllegalDetected"}}
OpenRouter | 403 | {"error":{"code":403,"metadata":{"reasons":["violence"],"flagged_input":"…"}}}
OpenRouter | 200 | {"error":{"code":403,"metadata":{"reasons":["violence"],"flagged_input":"…"}}}
Gemini     | 200 | {"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"}}
Gemini     | 200 | {"choices":[{"finish_reason":"content_filter: PROHIBITED_CONTENT"}]}
Gemini     | 400 | [{"error":{"code":400,"details":[{"reason":"SAFETY"}]}}]
Bedrock    | 400 | {"error":{"code":"guardrail_intervened"}}
new-api    | 400 | {"error":{"code":"sensitive_words_detected"}}
DashScope  | 200 | {"error":{"message":"m","code":"IPInfringementSuspect"}}
DashScope  | 400 | {"error":{"message":"m","code":"FaqRuleBlocked"}}
DashScope  | 200 | {"code":"CustomRoleBlocked","message":"m"}
Tencent    | 200 | {"Response":{"Error":{"Code":"OperationDenied.TextIllegalDetected"}}}
Tencent    | 200 | {"ErrorMsg":{"Code":"OperationDenied.TextIllegalDetected","Msg":"m"}}
StepFun    | 451 | {"error":{"message":"m","type":"censorship_blocked"}}
StepFun    | 200 | {"error":{"message":"m","type":"censorship_blocked"}}
Portkey    | 446 | {"error":{"message":"m","type":"hooks_failed"}}
gateway    | 500 | {"error":"{\"error\":{\"code\":\"content_filter\"}}"}
"#;

/// Known only by words.
const BY_WORDS: &str = r#"
Azure      | 400 | filtered due to the prompt triggering Azure OpenAI’s content management policy.
OpenAI     | 400 | Your prompt was flagged as potentially violating our usage policy.
OpenAI     | 400 | Invalid prompt: we've limited access to this content for safety reasons.
OpenAI     | 400 | Your request was rejected as a result of our safety system.
Anthropic  | 400 | Output blocked by content filtering policy
Anthropic  | 200 | Output blocked by content filtering policy
DashScope  | 400 | <400> InternalError.Algo.DataInspectionFailed: Input text data is not approved.
DashScope  | 200 | Output data may contain inappropriate content.
DashScope  | 502 | Upstream request failed: [data_inspection_failed] <400>
DeepSeek   | 400 | {"detail":"Content Exists Risk"}
DeepSeek   | 400 | {"error":{"message":"Content Exists Risk","code":"invalid_request_error"}}
DeepSeek   | 200 | {"message":"Content Exists Risk","code":7}
GLM        | 400 | 系统检测到输入或生成内容可能包含不安全或敏感内容，请您避免输入易产生敏感内容的提示语
Z.ai       | 200 | System detected potentially unsafe or sensitive content in input or generation.
Moonshot   | 400 | The request was rejected because it was considered high risk
MiniMax    | 422 | input new_sensitive (1026)
MiniMax    | 500 | output new_sensitive (1027)
xAI        | 403 | {"error":"Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_B"}
LiteLLM    | 400 | {"error":{"message":{"error":"Violated guardrail policy"},"code":"400"}}
LiteLLM    | 400 | litellm.BadRequestError: litellm.ContentPolicyViolationError: m
OpenRouter | 502 | {"error":{"metadata":{"raw":"{\"error\":\"Content Exists Risk\"}"}}}
Bedrock    | 200 | {"error":{"message":"The text has been blocked by our content filters."}}
Bedrock    | 500 | {"error":{"message":"This request has been blocked by our content filters."}}
Spark      | 200 | {"error":{"message":"输入内容审核不通过，涉嫌违规，请重新调整输入内容","code":"10013"}}
Spark      | 200 | {"code":10014,"message":"输出内容涉及敏感信息，审核不通过，后续结果无法展示给用户"}
Spark      | 200 | {"code":10019,"message":"本次会话内容有涉及违规信息的倾向"}
Cohere     | 200 | {"error":"blocked output: please adjust your prompt and try again"}
Cohere     | 400 | {"message":"blocked input: please adjust your prompt and try again"}
Portkey    | 200 | {"error":"The guardrail checks defined in the config failed."}
gateway    | 200 | {"error":{"message":"您的问题包含敏感词"}}
gateway    | 200 | {"success":false,"message":"内容违规"}
gateway    | 200 | {"code":400012,"msg":"请勿输入违规内容"}
gateway    | 500 | {"error":{"message":"输入内容不合规，请修改后重试"}}
one-api    | 400 | input contains sensitive words: [x]
gateway    | 502 | {"errors":[{"message":"Content Exists Risk"}]}
gateway    | 500 | "Content Exists Risk"
"#;

/// All of them.
pub(super) fn refusals() -> impl Iterator<Item = ProviderCase> {
    cases_of(BY_CODE).chain(cases_of(BY_WORDS))
}

#[test]
fn a_content_filter_is_known_by_its_code() {
    assert_table(BY_CODE, "content_filter");
}

#[test]
fn a_content_filter_is_known_by_its_words() {
    assert_table(BY_WORDS, "content_filter");
}
