interface Props {
  source: { title: string; url: string };
}

/** A link to a source, which opens beside the client and is not told where it was followed. */
export function SourceLink({ source }: Props) {
  return (
    <a className="source" href={source.url} target="_blank" rel="noreferrer noopener">
      {source.title}
    </a>
  );
}
