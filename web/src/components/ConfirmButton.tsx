import { Button, type ButtonProps } from 'antd';
import { useId, useRef, type ReactNode } from 'react';
import { useTexts } from '../i18n/texts';

interface Props {
  title: string;
  what: string;
  /** What the button that means it says. */
  confirm: string;
  onConfirm: () => void;
  button: ButtonProps & { 'aria-label'?: string };
  children?: ReactNode;
}

/** A button whose act cannot be taken back: a dialog says what it means, and asks. */
export function ConfirmButton({ title, what, confirm, onConfirm, button, children }: Props) {
  const t = useTexts();
  const titleId = useId();
  const dialog = useRef<HTMLDialogElement>(null);

  const answer = (isSure: boolean) => {
    dialog.current?.close();
    if (isSure) onConfirm();
  };

  return (
    <>
      <Button {...button} onClick={() => dialog.current?.showModal()}>
        {children}
      </Button>
      <dialog ref={dialog} className="dialog" aria-labelledby={titleId}>
        <h2 id={titleId}>{title}</h2>
        <p>{what}</p>
        <div className="row">
          <Button
            onClick={() => {
              answer(false);
            }}
          >
            {t('app.cancel')}
          </Button>
          <Button
            danger
            onClick={() => {
              answer(true);
            }}
          >
            {confirm}
          </Button>
        </div>
      </dialog>
    </>
  );
}
