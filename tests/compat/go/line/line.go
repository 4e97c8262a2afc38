// Package line is the line protocol of tests/compat/member.py for drivers in Go.
package line

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"sort"
	"sync"
	"time"
)

// Question is one line that was asked.
type Question struct {
	Do, Bootstrap, Group, Reset, Isolation, Protocol, Topic string
	Instance, Pattern                                       *string
	Id                                                      string
	TxnTimeoutMs                                            int `json:"txn_timeout_ms"`
	Commit, Session                                         bool
	Records                                                 [][]any
	Topics                                                  []string
	AutoCommit                                              bool `json:"auto_commit"`
	Cooperative, Async                                      bool
	SessionMs                                               int `json:"session_ms"`
	TimeoutMs                                               int `json:"timeout_ms"`
	Count                                                   int
	Partition                                               int32
	Offset                                                  int64
	Partitions, Offsets                                     [][]any
	Security                                                *Security
}

// Security is how this client comes in, where it has to log in.
type Security struct {
	User, Password, Ca string
}

// Config is what TLS trusts.
func (s *Security) Config() *tls.Config {
	pem, err := os.ReadFile(s.Ca)
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return &tls.Config{RootCAs: pool}
}

// Answer is what is said.
type Answer map[string]any

// At is a partition of a topic.
type At struct {
	Topic     string
	Partition int32
}

// Partitions that a question names; offsets of those that have one.
func (q *Question) Named(list [][]any) ([]At, map[At]int64) {
	var all []At
	offsets := map[At]int64{}
	for _, row := range list {
		at := At{row[0].(string), int32(row[1].(float64))}
		all = append(all, at)
		if len(row) > 2 && row[2] != nil {
			offsets[at] = int64(row[2].(float64))
		}
	}
	return all, offsets
}

// Version of a module that this program was built with.
func Version(module string) string {
	info, _ := debug.ReadBuildInfo()
	for _, d := range info.Deps {
		if d.Path == module {
			return d.Version
		}
	}
	return "?"
}

// Serve answers each line by the function of its name.
func Serve(does map[string]func(*Question) (Answer, error)) {
	out := os.Stdout
	os.Stdout = os.Stderr // what a library prints is no answer
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	for in.Scan() {
		q := &Question{}
		answer, err := Answer{}, json.Unmarshal(in.Bytes(), q)
		if err == nil {
			if do, ok := does[q.Do]; ok {
				answer, err = do(q)
			} else {
				err = fmt.Errorf("there is no %s", q.Do)
			}
		}
		if err != nil {
			answer = Answer{"error": err.Error()}
		}
		if answer == nil {
			answer = Answer{}
		}
		text, _ := json.Marshal(answer)
		fmt.Fprintf(out, "%s\n", text)
		if q.Do == "close" {
			break
		}
	}
	os.Exit(0)
}

// Records holds what a client pushes, until poll takes it.
type Records struct {
	lock    sync.Mutex
	waiting [][]any
	next    map[At]int64
	woken   chan struct{}
}

func NewRecords() *Records {
	return &Records{next: map[At]int64{}, woken: make(chan struct{}, 1)}
}

func (r *Records) Put(topic string, partition int32, offset int64, value []byte) {
	r.lock.Lock()
	r.waiting = append(r.waiting, []any{topic, partition, offset, string(value)})
	r.lock.Unlock()
	select {
	case r.woken <- struct{}{}:
	default:
	}
}

func (r *Records) count() int {
	r.lock.Lock()
	defer r.lock.Unlock()
	return len(r.waiting)
}

// Take gives out at most q.Count, as soon as they are there.
func (r *Records) Take(q *Question) (Answer, error) {
	end := time.After(time.Duration(q.TimeoutMs) * time.Millisecond)
	for r.count() < q.Count {
		select {
		case <-r.woken:
			continue
		case <-end:
		}
		break
	}
	r.lock.Lock()
	defer r.lock.Unlock()
	n := min(q.Count, len(r.waiting))
	records := append([][]any{}, r.waiting[:n]...)
	r.waiting = r.waiting[n:]
	for _, row := range records {
		r.next[At{row[0].(string), row[1].(int32)}] = row[2].(int64) + 1
	}
	return Answer{"records": records}, nil
}

// Taken are the offsets to commit.
func (r *Records) Taken() map[At]int64 {
	r.lock.Lock()
	defer r.lock.Unlock()
	all := map[At]int64{}
	for at, offset := range r.next {
		all[at] = offset
	}
	return all
}

// Drop forgets what waits of partitions that are not ours any more.
func (r *Records) Drop(gone func(At) bool) {
	r.lock.Lock()
	defer r.lock.Unlock()
	var kept [][]any
	for _, row := range r.waiting {
		if !gone(At{row[0].(string), row[1].(int32)}) {
			kept = append(kept, row)
		}
	}
	r.waiting = kept
}

// Owned keeps the assignment.
type Owned struct {
	lock       sync.Mutex
	set        map[At]bool
	rebalances int
}

func NewOwned() *Owned { return &Owned{set: map[At]bool{}} }

func (o *Owned) Change(by map[string][]int32, has bool) {
	o.lock.Lock()
	defer o.lock.Unlock()
	o.rebalances++
	for t, ps := range by {
		for _, p := range ps {
			if has {
				o.set[At{t, p}] = true
			} else {
				delete(o.set, At{t, p})
			}
		}
	}
}

func (o *Owned) Clear() {
	o.lock.Lock()
	defer o.lock.Unlock()
	o.rebalances++
	o.set = map[At]bool{}
}

func (o *Owned) Answer(*Question) (Answer, error) {
	o.lock.Lock()
	defer o.lock.Unlock()
	list := [][]any{}
	for at := range o.set {
		list = append(list, []any{at.Topic, at.Partition})
	}
	Sort(list)
	return Answer{"partitions": list, "rebalances": o.rebalances}, nil
}

// Sort orders rows by topic and partition.
func Sort(rows [][]any) {
	sort.Slice(rows, func(i, j int) bool {
		if rows[i][0] != rows[j][0] {
			return rows[i][0].(string) < rows[j][0].(string)
		}
		return rows[i][1].(int32) < rows[j][1].(int32)
	})
}
