package lake

import (
	"container/list"
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// An S3 object is read in blocks, of which a reader keeps the last few: the
// columns of a Parquet file are read side by side. The product bounds the
// memory of a reader.
const (
	blockBytes = 1 << 20
	keptBlocks = 24
)

func (s *s3Store) Open(ctx context.Context, key string) (Reader, error) {
	info, err := s.Head(ctx, key)
	if err != nil {
		return nil, err
	}
	fetch := func(off, n int64) ([]byte, error) { return s.getRange(ctx, key, info.ETag, off, n) }
	return &blockReader{size: info.Size, fetch: fetch, order: list.New(), blocks: map[int64]*list.Element{}}, nil
}

func (s *s3Store) getRange(ctx context.Context, key, etag string, off, n int64) (body []byte, err error) {
	in := &s3.GetObjectInput{
		Bucket: &s.bucket, Key: aws.String(s.prefix + key), IfMatch: &etag,
		Range: aws.String(fmt.Sprintf("bytes=%d-%d", off, off+n-1)),
	}
	err = s.try(ctx, n, func(ctx context.Context) error {
		out, err := s.api.GetObject(ctx, in)
		if err != nil {
			return err
		}
		defer out.Body.Close()
		body = make([]byte, n)
		_, err = io.ReadFull(out.Body, body)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read %s from byte %d: %w", key, off, err)
	}
	return body, nil
}

// blockReader is an io.ReaderAt over blocks that fetch brings.
type blockReader struct {
	size  int64
	fetch func(off, n int64) ([]byte, error)

	mu     sync.Mutex // guards all below, and is held while a block is fetched
	order  *list.List // of *block, the last used at the front
	blocks map[int64]*list.Element
}

type block struct {
	number int64
	body   []byte
}

func (r *blockReader) Size() int64  { return r.size }
func (r *blockReader) Close() error { return nil }

func (r *blockReader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read at byte %d", off)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for n < len(p) {
		at := off + int64(n)
		if at >= r.size {
			return n, io.EOF
		}
		b, err := r.block(at / blockBytes)
		if err != nil {
			return n, err
		}
		n += copy(p[n:], b[at%blockBytes:])
	}
	return n, nil
}

func (r *blockReader) block(number int64) ([]byte, error) {
	if e, ok := r.blocks[number]; ok {
		r.order.MoveToFront(e)
		return e.Value.(*block).body, nil
	}
	off := number * blockBytes
	body, err := r.fetch(off, min(blockBytes, r.size-off))
	if err != nil {
		return nil, err
	}
	r.blocks[number] = r.order.PushFront(&block{number, body})
	if r.order.Len() > keptBlocks {
		oldest := r.order.Remove(r.order.Back()).(*block)
		delete(r.blocks, oldest.number)
	}
	return body, nil
}
