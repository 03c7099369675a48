package mail

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/google/renameio/v2"

	"usher/state"
)

// folder delivers each message as one file.
type folder struct{ path string }

func openFolder(path string) (Transport, error) {
	if path == "" {
		return nil, errors.New(`mail "dir:": the folder is missing; write dir:outbox, for example`)
	}
	return &folder{path: path}, nil
}

// Deliver writes the message whole or not at all, mode 0600, in a folder of mode
// 0700 that is created when needed. The same message again is the same file.
func (f *folder) Deliver(ctx context.Context, m state.Message, data []byte) error {
	if err := ctx.Err(); err != nil {
		return failed(Again, "writing to "+f.path, err)
	}
	if err := os.MkdirAll(f.path, 0o700); err != nil {
		return failed(Again, "creating the folder for messages", err)
	}
	name := filepath.Join(f.path, fileName(m))
	if err := write(name, data); err != nil {
		return failed(Again, "writing a message", err)
	}
	return nil
}

// write makes the file appear complete and on disk, its name included, or not at all.
func write(name string, data []byte) error {
	file, err := renameio.NewPendingFile(name, renameio.WithTempDir(filepath.Dir(name)), renameio.WithStaticPermissions(0o600))
	if err != nil {
		return err
	}
	defer file.Cleanup()
	if _, err := file.Write(data); err != nil {
		return err
	}
	if err := file.CloseAtomicallyReplace(); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(name))
}

// syncFolder puts a folder's list of names on disk.
func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// Close does nothing: every file is complete when Deliver returns.
func (f *folder) Close() error { return nil }

// String is the setting that leads here.
func (f *folder) String() string { return "dir:" + f.path }

// fileName is sortable by message, readable, and a single portable name:
// 000123-invitation-ada@acme.example.eml.
func fileName(m state.Message) string {
	return fmt.Sprintf("%06d-%s-%s.eml", m.ID, portable(m.Kind), portable(m.To))
}

// longestWord bounds each word of a file name, so that the whole stays below the
// 255 bytes that file systems allow.
const longestWord = 100

// portable replaces whatever some file system refuses, or a path would give a
// meaning to, by an underscore. Letters beyond ASCII are replaced as well: not
// every system keeps their bytes. Names stay distinct by the message's number.
func portable(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r < utf8.RuneSelf && strings.ContainsRune(portableRunes, r):
			return r
		default:
			return '_'
		}
	}, s)
	if len(s) > longestWord {
		s = s[:longestWord]
	}
	return s
}

const portableRunes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@.+-_"
