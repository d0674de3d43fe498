from watch.main import main

if __name__ == "__main__":
    main()
