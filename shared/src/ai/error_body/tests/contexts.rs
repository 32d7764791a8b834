//! Refusals of requests that are longer than a model's context, as providers have them.

use super::{ProviderCase, assert_table, cases_of};

const TOO_LONG: &str = r#"
OpenAI      | 400 | {"error":{"message":"m","code":"context_length_exceeded"}}
OpenAI      | 400 | Your input exceeds the context window of this model.
OpenAI      | 400 | Input tokens exceed the configured limit of 272000 tokens.
Azure       | 400 | This model's maximum context length is 8192 tokens. Your messages have 9000.
Anthropic   | 400 | prompt is too long: 213462 tokens > 200000 maximum
Anthropic   | 200 | input length and `max_tokens` exceed context limit: 190000 + 21333 > 200000
Anthropic   | 400 | {"error":{"type":"model_context_window_exceeded"}}
Gemini      | 400 | The input token count (2) exceeds the maximum number of tokens allowed (1).
Gemini      | 400 | [{"error":{"message":"It exceeds the maximum number of tokens allowed 1."}}]
Gemini      | 200 | [{"error":{"message":"It exceeds the maximum number of tokens allowed 1."}}]
DashScope   | 400 | InternalError.Algo.InvalidParameter: Range of input length should be [1, 32768]
DeepSeek    | 400 | This model's maximum context length is 131072 tokens. You requested 131134.
SGLang      | 400 | The input (51 tokens) is longer than the model's context length (26 tokens).
SGLang      | 500 | Requested token count exceeds the model's maximum context length of 163840
SGLang      | 400 | Input length (51 tokens) exceeds the maximum allowed length (26 tokens).
vLLM        | 400 | 'max_tokens' is too large: 2000. This model's maximum context length is 4096
vLLM        | 400 | {"object":"error","message":"This model's maximum context length is 6048"}
vLLM        | 500 | The decoder prompt (length 17) is longer than the maximum model length of 16.
vLLM        | 400 | max_tokens must be at least 1, got -186.
vLLM        | 400 | You passed 9 input tokens. However, the model's context length is only 8
vLLM        | 400 | Input prompt (2664 tokens) is too long and exceeds limit of 2048
TRT-LLM     | 400 | The sum of prompt length (9.0) should not exceed max_num_tokens (8)
Triton      | 400 | Prompt length (200) exceeds maximum sequence length (100).
Triton      | 500 | Cannot process new request: Prompt length (5) exceeds maximum input length (2)
gateway     | 500 | Error code: 400 - {'m': "This model's maximum context length is 8 tokens"}
llama.cpp   | 500 | {"error":{"code":400,"type":"exceed_context_size_error"}}
llama.cpp   | 400 | the request exceeds the available context size, try increasing it
Ollama      | 400 | {"error":"prompt too long; exceeded max context length by 4096 tokens"}
Ollama      | 400 | {"error":"the input length exceeds the context length"}
LM Studio   | 200 | {"error":"tokens to keep from the prompt is greater than the context length"}
LM Studio   | 400 | {"error":"However, the model is loaded with context length of only 8 tokens"}
llama.cpp   | 500 | Requested tokens (516) exceed context window of 512
Mistral     | 400 | Prompt contains 66 tokens, too large for model with 32 maximum context length
Groq        | 400 | Please reduce the length of the messages or completion.
Cerebras    | 400 | Please reduce the length of the messages. Current length is 2 while limit is 1
Together    | 422 | tokens + max_tokens must be less than the context length of the model queried.
xAI         | 400 | {"error":"This model's maximum prompt length is 13 but the request has 53"}
Cohere      | 400 | {"message":"total number of tokens in the prompt cannot exceed 8192"}
Cohere      | 400 | {"message":"too many tokens: size limit exceeded by 11326 tokens."}
NVIDIA      | 400 | Input length 131393 exceeds the maximum allowed input length of 131040 tokens.
GLM         | 400 | {"error":{"code":"1261","message":"Prompt 超长"}}
Z.ai        | 400 | Prompt exceeds max length
Moonshot    | 400 | Your request exceeded model token limit: 262144 (requested: 270000)
MiniMax     | 400 | invalid params, context window exceeds limit (2013)
SiliconFlow | 400 | {"code":20015,"message":"length of prompt_tokens must be less than max_seq_len"}
Qianfan     | 200 | {"error_code":336103,"error_msg":"m"}
UCloud      | 400 | {"error":{"code":"tokens_too_long","message":"m"}}
Qianfan     | 400 | {"error":{"code":"characters_too_long","message":"m"}}
Qianfan     | 200 | {"error_code":336007,"error_msg":"the max input characters is 20000"}
Cloudflare  | 413 | The tokens (9) exceeded this model context window limit (8).
Perplexity  | 400 | The total length of all messages is too long.
Spark       | 200 | {"code":10907,"message":"token数量超过上限。需要精简输入"}
Bedrock     | 400 | Input is too long for requested model.
TGI         | 422 | {"error":"`inputs` must have less than 4096 tokens. Given: 5000"}
TGI         | 422 | {"error":"`inputs` tokens + `max_new_tokens` must be <= 8193."}
FastAPI     | 422 | {"detail":[{"msg":"the request exceeds the available context size"}]}
LiteLLM     | 400 | litellm.BadRequestError: litellm.ContextWindowExceededError: m
Copilot     | 400 | prompt token count of 200000 exceeds the limit of 128000
"#;

/// All of them.
pub(super) fn refusals() -> impl Iterator<Item = ProviderCase> {
    cases_of(TOO_LONG)
}

#[test]
fn a_context_that_is_too_long_is_known_by_code_or_words() {
    assert_table(TOO_LONG, "context_length_exceeded");
}
