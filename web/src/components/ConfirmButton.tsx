import { Button, type ButtonProps } from 'antd';
import { useRef, type ReactNode } from 'react';
import { ConfirmDialog } from './ConfirmDialog';

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
export function ConfirmButton({ button, children, onConfirm, ...words }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);

  return (
    <>
      <Button {...button} onClick={() => dialog.current?.showModal()}>
        {children}
      </Button>
      <ConfirmDialog
        {...words}
        dialog={dialog}
        onConfirm={() => {
          dialog.current?.close();
          onConfirm();
        }}
      />
    </>
  );
}
