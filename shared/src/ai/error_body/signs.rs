//! By which signs a content filter's refusal and a context that is too long are known.
//!
//! Codes come first, then words. Words are whole phrases of one provider, as its errors have them:
//! "filter", "safety" or "context" alone are said by failing servers too. Sources: the providers'
//! references of error codes (Azure `OpenAI`, Alibaba Cloud Model Studio, Volcengine Ark, Z.ai,
//! `MiniMax`, `OpenRouter`, Tencent Cloud), and errors quoted in issues of the projects that meet
//! them (`LiteLLM`, `vLLM`, `SGLang`, `llama.cpp`, LM Studio, `TensorRT-LLM`, Portkey, Qwen Code,
//! Claude Code, langchain4j).

use super::failure;
use super::report::ErrorReport;
use Sign::{Code, CodePart, NumberedCode, Words, WordsTogether};

/// What a request is refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A content filter stopped it.
    ContentFilter,
    /// It is longer than the model's context.
    ContextLength,
}

/// What of an error is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Only its codes.
    Codes,
    /// Also its words, as far as they cannot repeat the request.
    FirstClauses,
    /// Also all its words.
    AllWords,
}

/// One sign of a refusal.
struct Rule {
    refusal: Refusal,
    sign: Sign,
}

enum Sign {
    /// A whole code: small letters and digits only, a number behind the name of its field.
    Code(&'static str),
    /// A part of a code.
    CodePart(&'static str),
    /// A number that other providers may use as well, with a word that must stand in the text.
    NumberedCode(&'static str, &'static str),
    /// A phrase of the text, in small letters; each message ends with a line break. It speaks of a
    /// request or its content: accounts are warned and suspended for violations of policies too,
    /// and that is no patient's doing.
    Words(&'static str),
    /// Phrases that make up the form of one provider's error; whatever its status, they tell it.
    WordsTogether(&'static [&'static str]),
}

const RULES: &[Rule] = &[
    // OpenAI, Azure, and most others after them.
    filter(Code("contentfilter")),
    filter(Code("contentfiltered")),
    filter(Code("contentpolicy")),
    filter(Code("cyberpolicy")),
    filter(Code("moderationblocked")),
    filter(CodePart("contentpolicyviolation")),
    filter(CodePart("responsibleaipolicyviolation")),
    filter(Words("content management policy")),
    filter(Words("prompt was flagged as potentially violating")),
    filter(Words("request was flagged as potentially violating")),
    filter(Words("access to this content for safety reasons")),
    filter(Words("result of our safety system")),
    filter(Words("result of the safety system")),
    filter(Words("rejected by the safety system")),
    // Anthropic.
    filter(Words("blocked by content filtering policy")),
    filter(Words("request contains prohibited content")),
    // Gemini.
    filter(Code("blockreason")),
    filter(Code("safety")),
    filter(Code("prohibitedcontent")),
    filter(Code("blocklist")),
    // DashScope.
    filter(CodePart("datainspectionfailed")),
    filter(Words("datainspectionfailed")),
    filter(Words("data_inspection_failed")),
    filter(Words("data may contain inappropriate content")),
    filter(Code("ipinfringementsuspect")),
    filter(Code("faqruleblocked")),
    filter(Code("customroleblocked")),
    // DeepSeek.
    filter(Words("content exists risk")),
    // GLM.
    filter(NumberedCode("code1301", "敏感")),
    filter(NumberedCode("code1301", "sensitive")),
    filter(Words("不安全或敏感内容")),
    filter(Words("unsafe or sensitive content in input or generation")),
    // Moonshot.
    filter(Words("rejected because it was considered high risk")),
    // MiniMax: of the input, of the output.
    filter(Code("baseresp1026")),
    filter(Code("baseresp1027")),
    filter(Words("input new_sensitive")),
    filter(Words("output new_sensitive")),
    // Volcengine Ark; its `ContentSecurityDetectionError` is a failure.
    filter(CodePart("sensitivecontentdetected")),
    filter(CodePart("textriskdetection")),
    // Tencent.
    filter(CodePart("textillegaldetected")),
    filter(CodePart("imageillegaldetected")),
    // Spark, and others in Chinese.
    filter(Words("内容审核不通过")),
    filter(Words("审核未通过")),
    filter(Words("内容涉及敏感信息")),
    filter(Words("内容有涉及违规信息")),
    filter(Words("违法违规信息")),
    filter(Words("敏感词")),
    filter(Words("内容违规")),
    filter(Words("违规内容")),
    filter(Words("内容不合规")),
    // StepFun.
    filter(Code("censorshipblocked")),
    filter(Words(
        "content you provided or machine outputted is blocked",
    )),
    // Bedrock, also on behalf of Titan and Nova.
    filter(Words("blocked by our content filters")),
    // Cohere.
    filter(Words("blocked input: please adjust your prompt")),
    filter(Words("blocked output: please adjust your prompt")),
    // Portkey.
    filter(Code("hooksfailed")),
    filter(Words("guardrail checks defined in the config failed")),
    // xAI: with 403, as an account without permission.
    filter(WordsTogether(&[
        "content violates usage guidelines",
        "failed check: safety_check_type",
    ])),
    // OpenRouter.
    filter(Code("flaggedreasons")),
    filter(Words("your input was flagged")),
    // Gateways: LiteLLM and its guardrails, Bedrock, new-api and its like.
    filter(Code("guardrailintervened")),
    filter(Code("promptblocked")),
    filter(Code("sensitivewordsdetected")),
    filter(Words("contentpolicyviolationerror")),
    filter(Words("violated guardrail policy")),
    filter(Words("sensitive words detected")),
    filter(Words("input contains sensitive words")),
    filter(Words("sensitive chat messages")),
    context(Words("contextwindowexceedederror")),
    // OpenAI, Azure, vLLM, SGLang, DeepSeek, OpenRouter, and most others after them.
    context(Code("contextlengthexceeded")),
    context(Words("maximum context length is")),
    context(Words("maximum context length of")),
    context(Words("exceeds the context window")),
    context(Words("input tokens exceed the configured limit")),
    context(Words("reduce the length of the messages")),
    // vLLM: now, and of old, when nothing was left for the answer.
    context(Words("longer than the maximum model length")),
    context(Words("max_tokens must be at least 1, got -")),
    context(Words("the model's context length is only")),
    context(Words("tokens) is too long and exceeds limit of")),
    // SGLang, Together.
    context(Words("longer than the model's context length")),
    context(Words("tokens) exceeds the maximum allowed length")),
    context(Words("less than the context length of the model")),
    // Anthropic, Z.ai.
    context(CodePart("contextwindowexceeded")),
    context(Words("prompt is too long:")),
    context(Words("prompt is too long.")),
    context(Words("prompt is too long\n")),
    context(Words("exceed context limit")),
    // Gemini.
    context(Words("exceeds the maximum number of tokens allowed")),
    // DashScope.
    context(Words("range of input length should be")),
    // llama.cpp, LM Studio, Ollama.
    context(Code("exceedcontextsizeerror")),
    context(Words("exceeds the available context size")),
    context(Words("greater than the context length")),
    context(Words("is loaded with context length of only")),
    context(Words("exceed context window of")),
    context(Words("input length exceeds the context length")),
    context(Words("exceeded max context length")),
    // Mistral, xAI, Cohere, Groq, Cerebras, NVIDIA.
    context(Words("too large for model with")),
    context(Words("maximum prompt length is")),
    context(Words("number of tokens in the prompt cannot exceed")),
    context(Words("too many tokens: size limit exceeded")),
    context(Words("exceeds the maximum allowed input length")),
    // GLM.
    context(NumberedCode("code1261", "prompt")),
    context(Words("prompt 超长")),
    context(Words("prompt exceeds max length")),
    // Moonshot, MiniMax, SiliconFlow.
    context(Words("exceeded model token limit")),
    context(Words("context window exceeds limit")),
    context(Words("must be less than max_seq_len")),
    // Qianfan, and gateways after it.
    context(Code("errorcode336103")),
    context(Code("tokenstoolong")),
    context(Words("prompt tokens too long")),
    context(Code("characterstoolong")),
    context(Code("errorcode336007")),
    context(Words("the max input characters is")),
    // Bedrock, text-generation-inference, Copilot.
    context(Words("input is too long for requested model")),
    context(Words("`inputs` must have less than")),
    context(Words("`inputs` tokens + `max_new_tokens` must be")),
    context(Words("prompt token count of")),
    // TensorRT-LLM, of its two backends; Cloudflare, Perplexity, Spark.
    context(Words("should not exceed max_num_tokens")),
    context(Words(") exceeds maximum input length (")),
    context(Words(") exceeds maximum sequence length (")),
    context(Words("exceeded this model context window limit")),
    context(Words("length of all messages is too long")),
    context(Words("token数量超过上限")),
];

const fn filter(sign: Sign) -> Rule {
    Rule {
        refusal: Refusal::ContentFilter,
        sign,
    }
}

const fn context(sign: Sign) -> Rule {
    Rule {
        refusal: Refusal::ContextLength,
        sign,
    }
}

/// What a request was refused for, if it was.
pub(super) fn refusal_in(report: &ErrorReport, reading: Reading) -> Option<Refusal> {
    let by_form = RULES.iter().find(|rule| rule.is_in_form(report));
    let by_words = |text: &str| RULES.iter().find(|rule| rule.is_in_text(text));

    let rule = by_form.or_else(|| match reading {
        Reading::Codes => None,
        Reading::FirstClauses => by_words(&failure::first_clauses(report.text())),
        Reading::AllWords => by_words(report.text()),
    })?;

    Some(rule.refusal)
}

impl Rule {
    /// Whether the error says so by its codes, or by the form of its text.
    fn is_in_form(&self, report: &ErrorReport) -> bool {
        let mut codes = report.codes();
        let text = report.text();

        match self.sign {
            Code(whole) => codes.any(|code| code == whole),
            CodePart(part) => codes.any(|code| code.contains(part)),
            NumberedCode(number, word) => codes.any(|code| code == number) && text.contains(word),
            WordsTogether(phrases) => phrases.iter().all(|phrase| text.contains(phrase)),
            Words(_) => false,
        }
    }

    fn is_in_text(&self, text: &str) -> bool {
        matches!(self.sign, Words(words) if text.contains(words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts and codes are compared in small letters, codes without anything between these.
    #[test]
    fn every_sign_has_the_form_that_it_is_compared_in() {
        for Rule { sign, .. } in RULES {
            match sign {
                Code(code) | CodePart(code) | NumberedCode(code, _) => {
                    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
                    assert!(code.bytes().all(is_plain), "{code}");
                }
                WordsTogether(phrases) => {
                    for phrase in *phrases {
                        assert_eq!(*phrase, phrase.to_lowercase());
                    }
                }
                Words(words) => {
                    assert_eq!(*words, words.to_lowercase());
                    let is_phrase = words.contains([' ', '_']) || !words.is_ascii();
                    assert!(is_phrase || words.len() > 15, "{words}");
                }
            }
        }
    }
}
