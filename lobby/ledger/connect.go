package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// The ways to connect to a database.
const (
	// writing: a commit is on the disk before it returns. A transaction takes the write lock when it begins, rather than fail when it first writes. What
	// the WAL has grown by, during a backup, is given back.
	writing = "_busy_timeout=10000&_journal_mode=WAL&_synchronous=FULL&_foreign_keys=1&_txlock=immediate&_dqs=0&_pragma=journal_size_limit(8388608)"
	// reading beside a writer.
	reading = "_busy_timeout=10000&_foreign_keys=1&_dqs=0&_query_only=1"
	// copying: `VACUUM INTO` writes, but not into this database.
	copying = "_busy_timeout=10000&_dqs=0"
	// looking at a file that nobody writes, without making any other beside it.
	looking = "mode=ro&immutable=1&_dqs=0"
)

// connect makes the pool of connections; the first is made when it is used.
func connect(path, how string) (*sql.DB, error) {
	c, err := sqlite.NewConnector("file:" + (&url.URL{Path: path}).EscapedPath() + "?" + how)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	return sql.OpenDB(c), nil
}

// check runs quick_check, which reads all pages but does not compare indexes with rows, or integrity_check, which does.
func check(ctx context.Context, db *sql.DB, pragma string) error {
	rows, err := db.QueryContext(ctx, "PRAGMA "+pragma+"(10)")
	var e *sqlite.Error
	if errors.As(err, &e) && e.Code() == sqlite3.SQLITE_ERROR { // the statement is good, so the schema is not
		return fmt.Errorf("check database: %w: %w", ErrDamaged, err)
	}
	if err != nil {
		return failed("check database", err)
	}
	defer func() { _ = rows.Close() }() // Err says what Close would
	var found []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return failed("check database", err)
		}
		found = append(found, line)
	}
	if err := rows.Err(); err != nil {
		return failed("check database", err)
	}
	if len(found) == 1 && found[0] == "ok" {
		return nil
	}
	return fmt.Errorf("check database: %w: %s", ErrDamaged, strings.Join(found, "; "))
}

// checkFile checks a database by itself.
func checkFile(ctx context.Context, path, how string) error {
	db, err := connect(path, how)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	err = check(ctx, db, "quick_check")
	if err == nil {
		err = checkVersion(ctx, db)
	}
	return errors.Join(err, db.Close())
}

// checkVersion finds a number of the schema that cannot be: SQLite does not look at it.
func checkVersion(ctx context.Context, db *sql.DB) error {
	var version, tables int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return failed("check schema", err)
	}
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return failed("check schema", err)
	}
	if version < 0 || (version == 0) != (tables == 0) {
		return fmt.Errorf("check schema: %w: number %d with %d tables and indexes", ErrDamaged, version, tables)
	}
	return nil
}
