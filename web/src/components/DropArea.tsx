import { useEffect, useId, useState, type ReactNode } from 'react';
import { useTexts } from '../i18n/texts';

interface Props {
  /** What is said before the button, and below it. */
  lead: string;
  hint: string;
  accept: string;
  multiple?: boolean;
  /** Whether nothing is taken now. */
  isDisabled?: boolean;
  onFiles: (files: Iterable<File>) => void;
  children?: ReactNode;
}

/** An area for files, which are dropped on it or chosen. */
export function DropArea(props: Props) {
  const { lead, hint, accept, multiple = false, isDisabled = false, onFiles, children } = props;
  const t = useTexts();
  const hintId = useId();
  const [isOver, setOver] = useState(false);
  useNoDropBeside();

  return (
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions -- the button does the same
    <div
      className={isOver ? 'dropzone dropzone-over' : 'dropzone'}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        if (!isDisabled) onFiles(event.dataTransfer.files);
      }}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(!isDisabled);
      }}
      onDragLeave={() => {
        setOver(false);
      }}
    >
      {lead}{' '}
      <label className="file-choice">
        {t(multiple ? 'upload.choose' : 'upload.chooseOne')}
        <input
          type="file"
          multiple={multiple}
          accept={accept}
          disabled={isDisabled}
          aria-describedby={hintId}
          onChange={({ target }) => {
            onFiles([...(target.files ?? [])]);
            target.value = '';
          }}
        />
      </label>
      <p id={hintId} className="small">
        {hint}
      </p>
      {children}
    </div>
  );
}

/** A file that is dropped beside the area would be opened in the page's place, with all that is written. */
function useNoDropBeside(): void {
  useEffect(() => {
    const refuse = (event: DragEvent) => {
      const { dataTransfer } = event;
      if (event.defaultPrevented || !dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      dataTransfer.dropEffect = 'none';
    };
    window.addEventListener('dragover', refuse);
    window.addEventListener('drop', refuse);
    return () => {
      window.removeEventListener('dragover', refuse);
      window.removeEventListener('drop', refuse);
    };
  }, []);
}
