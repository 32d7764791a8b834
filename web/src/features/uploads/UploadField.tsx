import { DeleteOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { useEffect, useState } from 'react';
import { DropArea } from '../../components/DropArea';
import { useTexts, type TextKey } from '../../i18n/texts';
import { mayRetry, type SentFile } from './files';
import { faultOf, MOST_FILES, mostInWords, TYPES } from './rules';

interface Props {
  files: SentFile[];
  /** Whether none is taken now. */
  isDisabled: boolean;
  onAdd: (file: File) => void;
  onRetry: (file: SentFile) => void;
  onRemove: (file: SentFile) => void;
}

/** Files are chosen, dropped, or pasted anywhere on the page. */
export function UploadField({ files, isDisabled, onAdd, onRetry, onRemove }: Props) {
  const t = useTexts();
  const [fault, setFault] = useState<TextKey>();

  const take = (list: Iterable<File>) => {
    const chosen = [...list];
    const faults = chosen.map(faultOf);
    const good = chosen.filter((_, index) => !faults[index]);
    const places = MOST_FILES - files.length;

    good.slice(0, places).forEach(onAdd);
    setFault(good.length > places ? 'upload.tooMany' : faults.find(Boolean));
  };
  usePastedFiles(isDisabled ? undefined : take);

  return (
    <div className="uploads">
      <DropArea
        lead={t('upload.drop')}
        hint={t('upload.rule', { count: MOST_FILES, most: mostInWords() })}
        accept={[...TYPES, '.dcm'].join(',')}
        multiple
        isDisabled={isDisabled}
        onFiles={take}
      />
      {fault && (
        <p className="fault" role="alert">
          {t(fault, { count: MOST_FILES })}
        </p>
      )}
      <ul className="files">
        {files.map((file) => (
          <FileRow
            key={file.key}
            file={file}
            onRetry={() => {
              onRetry(file);
            }}
            onRemove={() => {
              onRemove(file);
            }}
          />
        ))}
      </ul>
    </div>
  );
}

function usePastedFiles(take: ((files: FileList) => void) | undefined): void {
  useEffect(() => {
    if (!take) return;
    const paste = ({ clipboardData }: ClipboardEvent) => {
      if (clipboardData && clipboardData.files.length > 0) take(clipboardData.files);
    };
    window.addEventListener('paste', paste);
    return () => {
      window.removeEventListener('paste', paste);
    };
  });
}

interface RowProps {
  file: SentFile;
  onRetry: () => void;
  onRemove: () => void;
}

function FileRow({ file, onRetry, onRemove }: RowProps) {
  const t = useTexts();
  const remove = t('upload.remove', { name: file.name });

  return (
    <li className="file" data-state={file.state}>
      <span className="file-name">{file.name}</span>
      <span
        className={file.state === 'rejected' || file.state === 'failed' ? 'fault' : 'small'}
        // A state is said when it changes, and no percentage: those would be said without end.
        aria-live="polite"
      >
        <FileState file={file} />
      </span>
      {file.state === 'sending' && (
        <>
          <progress max={100} value={file.percent} aria-label={file.name} />
          <span className="small" aria-hidden>
            {t('upload.sending', { percent: file.percent })}
          </span>
        </>
      )}
      {mayRetry(file) && (
        <Button size="small" aria-label={t('upload.retry', { name: file.name })} onClick={onRetry}>
          {t('app.retry')}
        </Button>
      )}
      <Button
        type="text"
        icon={<DeleteOutlined />}
        aria-label={remove}
        title={remove}
        onClick={onRemove}
      />
    </li>
  );
}

function FileState({ file }: { file: SentFile }) {
  const t = useTexts();
  if (file.state === 'rejected' && file.reason) return t(`upload.rejected.${file.reason}`);
  if (file.state === 'failed' && file.why) return t(file.why);
  if (file.state === 'sending') return t('upload.underWay');
  return t(file.state === 'rejected' ? 'upload.failed' : `upload.${file.state}`);
}
