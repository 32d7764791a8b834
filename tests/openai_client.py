"""Uses us as any program would that has the official `openai` package. Arguments: the API's base URL, the REST API's,
and a token."""

import sys

import openai

api_url, chat_url, token = sys.argv[1:]
client = openai.OpenAI(base_url=api_url, api_key=token, max_retries=0, timeout=30)
streaming = openai.OpenAI(base_url=chat_url, api_key=token, max_retries=0, timeout=30)
passed = 0


def check(holds, what):
    global passed
    assert holds, what
    passed += 1


def ask(prompt):
    return [{"role": "user", "content": prompt}]


def refused(error, call):
    try:
        call()
    except error as caught:
        return caught
    raise AssertionError(f"{error.__name__} was not raised")


check([model.id for model in client.models.list()] == ["default", "live", "repeating", "resume"], "the models are the chains")

answer = client.chat.completions.create(model="default", messages=ask("hello"))
check(answer.choices[0].message.content.endswith("to the last."), answer)
check(answer.usage.total_tokens == 33 and answer.choices[0].finish_reason == "stop", answer)

raw = client.chat.completions.with_raw_response.create(model="default", messages=ask("[primary:500]"))
check(raw.headers["x-served-by"] == "secondary" and raw.headers["x-attempts"] == "3", raw.headers)
check(raw.parse().model == "scripted-secondary-2026", "the model is the fallback's")

tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}]
answer = client.chat.completions.create(model="default", messages=ask("[primary:tool]"), tools=tools)
check(answer.choices[0].message.tool_calls[0].function.arguments == '{"city": "Wuhan"}', answer)

for source in (client, streaming):
    stream = source.chat.completions.create(
        model="default", messages=ask("[primary:stall]"), stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    check(text.endswith("to the last.") and chunks[-1].usage.total_tokens == 33, chunks)

error = refused(openai.NotFoundError, lambda: client.chat.completions.create(model="gpt-4o", messages=ask("x")))
check(error.code == "model_not_found", error)

refused(openai.BadRequestError, lambda: client.chat.completions.create(model="default", messages=[]))


def live():
    for _ in streaming.chat.completions.create(model="live", messages=ask("[primary:cut]"), stream=True):
        pass


check("broke off" in str(refused(openai.APIError, live)), "a stream that breaks is an error")

chunks = list(
    streaming.chat.completions.create(
        model="resume", messages=ask("[primary:cut] [secondary:continues]"), stream=True,
        stream_options={"include_usage": True},
    )
)
text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
check(text.startswith("The scripted answer of") and text.endswith("it went on, from the first word to the last."), text)
check(len({chunk.id for chunk in chunks}) == 1, "one answer has one id")
seams = [chunk.seams for chunk in chunks if hasattr(chunk, "seams")]
check([seam["to"] for seam in seams[0]] == ["secondary"] and seams[0][0]["fault"] == "cut", seams)
check(chunks[-1].usage.completion_tokens > 22, chunks[-1].usage)
stranger = openai.OpenAI(base_url=chat_url, api_key="sk-wrong", max_retries=0)
refused(openai.AuthenticationError, lambda: stranger.chat.completions.create(model="default", messages=ask("x")))
check(True, "a wrong key is an authentication error")
print(f"{passed} checks passed")
